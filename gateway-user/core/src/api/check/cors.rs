//! Rules for the filter CORS.

use std::sync::Arc;

use super::{Problems, format::Format, http::METHODS};
use crate::api::{filter::Cors, path::Path};

const ALL: &str = "*";

pub(super) fn cors(at: &Path, cors: &Cors, out: &mut Problems) {
    let origins = at.field("allowOrigins");
    out.set(&origins, &cors.allow_origins, 64);
    alone(&origins, &cors.allow_origins, out);
    for (i, origin) in cors.allow_origins.iter().enumerate() {
        out.text(origins.index(i), origin, Format::Origin);
    }
    let methods = at.field("allowMethods");
    out.set(&methods, &cors.allow_methods, 9);
    alone(&methods, &cors.allow_methods, out);
    for (i, method) in cors.allow_methods.iter().enumerate() {
        if &**method != ALL {
            out.one_of(methods.index(i), method, &METHODS);
        }
    }
    let headers = at.field("allowHeaders");
    alone(&headers, &cors.allow_headers, out);
    for (at, names) in [
        (headers, &cors.allow_headers),
        (at.field("exposeHeaders"), &cors.expose_headers),
    ] {
        out.set(&at, names, 64);
        for (i, name) in names.iter().enumerate() {
            out.text(at.index(i), name, Format::HeaderName);
        }
    }
}

fn alone(at: &Path, items: &[Arc<str>], out: &mut Problems) {
    if items.len() > 1 && items.iter().any(|item| &**item == ALL) {
        let message = "has \"*\", which stands for all, and others: remove these, or the \"*\"";
        out.error(at.clone(), message);
    }
}
