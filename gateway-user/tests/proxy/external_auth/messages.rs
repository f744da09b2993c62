//! Answers of authorization servers in few words.

use gateway_core::http::auth::check::messages::{
    CheckResponse, DeniedHttpResponse, Header, HeaderValueOption, HttpResponse, OkHttpResponse,
    QueryParameter, Status,
};

/// `HeaderAppendAction`.
#[derive(Clone, Copy)]
pub(super) enum Action {
    Append = 0,
    AddIfAbsent = 1,
    OverwriteOrAdd = 2,
    Overwrite = 3,
}

/// An answer that allows.
pub(super) fn ok(allowed: OkHttpResponse) -> CheckResponse {
    CheckResponse {
        status: Some(Status::default()),
        http_response: Some(HttpResponse::Ok(allowed)),
    }
}

/// An answer that denies, with PERMISSION_DENIED.
pub(super) fn no(denied: DeniedHttpResponse) -> CheckResponse {
    CheckResponse {
        status: Some(Status {
            code: 7,
            message: "not you".to_owned(),
        }),
        http_response: Some(HttpResponse::Denied(denied)),
    }
}

pub(super) fn header(
    key: &str,
    value: &str,
    append: Option<bool>,
    action: Action,
) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(Header {
            key: key.to_owned(),
            value: value.to_owned(),
            raw_value: Vec::new(),
        }),
        append,
        append_action: action as i32,
    }
}

/// As servers set a header that say nothing of `append`.
pub(super) fn set(key: &str, value: &str) -> HeaderValueOption {
    header(key, value, None, Action::Append)
}

pub(super) fn pair(key: &str, value: &str) -> QueryParameter {
    QueryParameter {
        key: key.to_owned(),
        value: value.to_owned(),
    }
}
