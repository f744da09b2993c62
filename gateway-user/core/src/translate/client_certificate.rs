//! The certificate that a Gateway shows to its backends.

use std::{collections::HashMap, sync::Arc};

use rustls::sign::CertifiedKey;

use super::{
    Scope,
    owner::Owner,
    tls::{self, Credential},
};
use crate::{
    api::Gateway,
    plan::{BackendTls, HttpBackend, HttpFilter, HttpRule, WeightedBackend},
    verdict::GatewayVerdict,
};

/// `None` where none is wished, or none can be used: then backends that demand one refuse.
pub(super) fn of_gateway(
    scope: Scope,
    gateway: &Gateway,
    verdicts: &mut Vec<GatewayVerdict>,
) -> Option<Credential> {
    let backend = gateway.spec.tls.as_ref()?.backend.as_ref()?;
    let reference = backend.client_certificate_ref.as_ref()?;
    tls::find(scope.world, Owner::of(gateway), reference)
        .map_err(|fault| verdicts.push(fault.of_gateway()))
        .ok()
}

/// Gives a Gateway's certificate to what its routes ask of backends, once for each policy.
pub(super) struct Shown<'a> {
    certificate: Option<&'a Arc<CertifiedKey>>,
    made: HashMap<*const BackendTls, Arc<BackendTls>>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(certificate: Option<&'a Arc<CertifiedKey>>) -> Self {
        Self {
            certificate,
            made: HashMap::new(),
        }
    }

    pub(super) fn rules(&mut self, rules: &[HttpRule]) -> Vec<HttpRule> {
        let mut rules = rules.to_vec();
        if self.certificate.is_some() {
            for rule in &mut rules {
                self.filters(&mut rule.filters);
                for backend in &mut rule.backends {
                    self.backend(backend);
                }
            }
        }
        rules
    }

    pub(super) fn connections(&mut self, backends: &[WeightedBackend]) -> Vec<WeightedBackend> {
        let mut backends = backends.to_vec();
        for tls in backends.iter_mut().filter_map(|b| b.tls.as_mut()) {
            *tls = self.tls(tls);
        }
        backends
    }

    fn backend(&mut self, backend: &mut HttpBackend) {
        if let Some(tls) = &mut backend.tls {
            *tls = self.tls(tls);
        }
        self.filters(&mut backend.filters);
    }

    /// Those with backends of their own.
    fn filters(&mut self, filters: &mut [HttpFilter]) {
        for backend in filters.iter_mut().filter_map(HttpFilter::backend_mut) {
            self.backend(backend);
        }
    }

    fn tls(&mut self, tls: &Arc<BackendTls>) -> Arc<BackendTls> {
        let Some(certificate) = self.certificate else {
            return tls.clone();
        };
        let showing = || {
            // What was right without a certificate is right with it.
            let made = tls.showing(certificate).map(Arc::new);
            made.unwrap_or_else(|_| tls.clone())
        };
        self.made
            .entry(Arc::as_ptr(tls))
            .or_insert_with(showing)
            .clone()
    }
}
