//! The filter CORS, its lists joined to headers once.

use std::sync::Arc;

use ::http::HeaderValue;

use crate::{
    api::filter::Cors as Source,
    plan::{
        Cors,
        cors::{Allowed, Origin, Origins},
    },
    verdict::RouteVerdict,
};

const ALL: &str = "*";

pub(super) fn judge(at: &str, source: &Source) -> Result<Cors, RouteVerdict> {
    let credentials = source.allow_credentials.unwrap_or_default();
    Ok(Cors {
        origins: origins(&format!("{at}.allowOrigins"), &source.allow_origins)?,
        credentials,
        methods: allowed(&format!("{at}.allowMethods"), &source.allow_methods)?,
        headers: allowed(&format!("{at}.allowHeaders"), &source.allow_headers)?,
        expose: allowed(&format!("{at}.exposeHeaders"), &source.expose_headers)?,
        max_age: HeaderValue::from(source.max_age),
    })
}

fn origins(at: &str, source: &[Arc<str>]) -> Result<Origins, RouteVerdict> {
    if source.iter().any(|origin| &**origin == ALL) {
        return Ok(Origins::All);
    }
    let origin = |(index, text): (usize, &Arc<str>)| {
        Origin::parse(text).ok_or_else(|| RouteVerdict::UnsupportedValue {
            at: format!("{at}[{index}]"),
            value: format!("{text:?}"),
            allowed: "write an origin such as https://www.example.com".to_owned(),
        })
    };
    let origins = source.iter().enumerate().map(origin);
    Ok(Origins::These(origins.collect::<Result<_, _>>()?))
}

fn allowed(at: &str, names: &[Arc<str>]) -> Result<Allowed, RouteVerdict> {
    if names.is_empty() {
        return Ok(Allowed::Nothing);
    }
    if names.iter().any(|name| &**name == ALL) {
        return Ok(Allowed::All);
    }
    let joined = names.join(", ");
    let value = HeaderValue::from_str(&joined);
    let value = value.map_err(|_| RouteVerdict::UnsupportedValue {
        at: at.to_owned(),
        value: format!("{joined:?}"),
        allowed: "names have no control characters".to_owned(),
    });
    value.map(Allowed::These)
}
