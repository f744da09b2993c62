//! Rules for the filter CORS.

use std::sync::Arc;

use super::{Problems, format::Format, http::METHODS};
use crate::api::{filter::Cors, path::Path};

const ALL: &str = "*";

pub(super) fn cors(at: &Path, cors: &Cors, out: &mut Problems) {
    let origins = at.field("allowOrigins");
    set(&origins, &cors.allow_origins, 64, out);
    alone(&origins, &cors.allow_origins, out);
    for (i, origin) in cors.allow_origins.iter().enumerate() {
        out.text(origins.index(i), origin, Format::Origin);
    }
    let methods = at.field("allowMethods");
    set(&methods, &cors.allow_methods, 9, out);
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
        set(&at, names, 64, out);
        for (i, name) in names.iter().enumerate() {
            out.text(at.index(i), name, Format::HeaderName);
        }
    }
}

fn set(at: &Path, items: &[Arc<str>], most: usize, out: &mut Problems) {
    out.count(at.clone(), items.len(), 0..=most);
    for (i, item) in items.iter().enumerate() {
        if items[..i].contains(item) {
            let message = format!("{item:?} is given twice: remove one");
            out.error(at.index(i), message);
        }
    }
}

fn alone(at: &Path, items: &[Arc<str>], out: &mut Problems) {
    if items.len() > 1 && items.iter().any(|item| &**item == ALL) {
        let message = "has \"*\", which stands for all, and others: remove these, or the \"*\"";
        out.error(at.clone(), message);
    }
}
