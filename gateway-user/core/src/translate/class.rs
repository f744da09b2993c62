//! Whose a GatewayClass is, and so whose a Gateway is.

use super::Scope;
use crate::{
    api::{Gateway, GatewayClass},
    verdict::{ClassVerdict, GatewayVerdict, hint},
};

pub(super) fn is_ours(scope: Scope, class: &GatewayClass) -> bool {
    class.spec.controller_name == scope.settings.controller_name
}

pub(super) fn judge(scope: Scope, class: &GatewayClass) -> Vec<ClassVerdict> {
    if !is_ours(scope, class) {
        return vec![ClassVerdict::Foreign {
            theirs: class.spec.controller_name.clone(),
            ours: scope.settings.controller_name.clone(),
        }];
    }
    let parameters = class.spec.parameters_ref.as_ref();
    let verdict = parameters.map(|p| ClassVerdict::Parameters {
        kind: p.kind.clone(),
    });
    verdict.into_iter().collect()
}

/// Why a Gateway is not served at all, if so, and whether its class is ours nevertheless.
pub(super) fn of_gateway(scope: Scope, gateway: &Gateway) -> Option<(GatewayVerdict, bool)> {
    let name = &gateway.spec.gateway_class_name;
    let ours = || scope.settings.controller_name.clone();
    let Some(class) = scope.world.classes.get(name) else {
        let verdict = GatewayVerdict::ClassMissing {
            class: name.clone(),
            hint: our_classes(scope, name),
            ours: ours(),
        };
        return Some((verdict, false));
    };
    if !is_ours(scope, class) {
        let verdict = GatewayVerdict::ClassForeign {
            class: name.clone(),
            theirs: class.spec.controller_name.clone(),
            ours: ours(),
            hint: our_classes(scope, name),
        };
        return Some((verdict, false));
    }
    let refused = !judge(scope, class).is_empty();
    refused.then(|| {
        (
            GatewayVerdict::ClassNotAccepted {
                class: name.clone(),
            },
            true,
        )
    })
}

fn our_classes(scope: Scope, wanted: &str) -> String {
    let classes = scope.world.classes.values();
    let ours = classes.filter(|class| is_ours(scope, class));
    hint::instead(wanted, ours.map(|class| class.meta.name.to_string()))
}
