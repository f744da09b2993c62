//! `CheckResponse`: whether a request may go on, and what changes about it.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use prost::Message as _;

use super::messages::{
    CheckResponse, DeniedHttpResponse, HeaderValueOption, HttpResponse, OkHttpResponse,
    QueryParameter,
};
use crate::http::{
    auth::{edit::Edit, query},
    forward,
};

/// Why an answer is no decision; nothing may go on by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Nonsense {
    #[error("it is no message of gRPC, or several")]
    Framing,
    #[error("it is compressed, which nobody asked for")]
    Compressed,
    #[error("it is no message of Protocol Buffers")]
    Wire,
    #[error("it says neither that the request is allowed nor that it is not")]
    NoDecision,
    #[error("it allows and denies the request")]
    Contradiction,
    #[error("{0} is not a status code that an answer can have")]
    Status(i32),
    #[error("{0:?} is not the name of a header")]
    Name(String),
    #[error("the header {0} has a value with control characters")]
    Value(HeaderName),
    #[error("the header {0} is not another message's to set")]
    Header(HeaderName),
    #[error("{0} is not a way to set a header")]
    Action(i32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Allowed(Allowance),
    Denied(Denial),
}

/// What changes about a request that may go on, and about its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    headers: Vec<Edit>,
    remove: Vec<HeaderName>,
    /// Of the answer to the client.
    answer: Vec<Edit>,
    set_query: Vec<QueryParameter>,
    remove_query: Vec<String>,
}

/// The client's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Allowance {
    /// Changes a request. False if its target would be too long.
    pub fn apply(&self, headers: &mut HeaderMap, target: &mut Uri) -> bool {
        self.headers.iter().for_each(|edit| edit.apply(headers));
        for name in &self.remove {
            headers.remove(name);
        }
        if self.set_query.is_empty() && self.remove_query.is_empty() {
            return true;
        }
        query::change(target, &self.set_query, &self.remove_query)
    }

    /// What changes about the answer to the client.
    pub fn into_answer(self) -> Vec<Edit> {
        self.answer
    }
}

/// Reads the body of a successful call.
///
/// # Errors
/// It is no decision, or asks for what cannot be done.
pub fn read(body: &[u8]) -> Result<Decision, Nonsense> {
    let (prefix, message) = body.split_first_chunk::<5>().ok_or(Nonsense::Framing)?;
    let [compressed, length @ ..] = *prefix;
    if usize::try_from(u32::from_be_bytes(length)) != Ok(message.len()) || compressed > 1 {
        return Err(Nonsense::Framing);
    }
    match compressed {
        0 => response(message),
        _ => Err(Nonsense::Compressed),
    }
}

fn response(message: &[u8]) -> Result<Decision, Nonsense> {
    let response = CheckResponse::decode(message).map_err(|_| Nonsense::Wire)?;
    let status = response.status.map(|status| status.code);
    match (status, response.http_response) {
        (Some(0), Some(HttpResponse::Denied(_))) => Err(Nonsense::Contradiction),
        (_, Some(HttpResponse::Denied(denied))) => Ok(Decision::Denied(denial(denied)?)),
        (Some(0) | None, Some(HttpResponse::Ok(ok))) => Ok(Decision::Allowed(allowance(ok)?)),
        (Some(0), None) => Ok(Decision::Allowed(Allowance::default())),
        (Some(_), _) => Ok(Decision::Denied(denial(DeniedHttpResponse::default())?)),
        (None, None) => Err(Nonsense::NoDecision),
    }
}

fn allowance(ok: OkHttpResponse) -> Result<Allowance, Nonsense> {
    let headers = ok.headers.into_iter();
    let answer = ok.response_headers_to_add.into_iter();
    Ok(Allowance {
        headers: headers
            .map(|option| of_the_request(edit(option)?))
            .collect::<Result<_, _>>()?,
        remove: ok.headers_to_remove.iter().filter_map(removable).collect(),
        answer: answer
            .map(|option| of_the_answer(edit(option)?))
            .collect::<Result<_, _>>()?,
        set_query: ok.query_parameters_to_set,
        remove_query: ok.query_parameters_to_remove,
    })
}

/// Without a status code a 403.
fn denial(denied: DeniedHttpResponse) -> Result<Denial, Nonsense> {
    let status = match denied.status.map_or(0, |status| status.code) {
        0 => StatusCode::FORBIDDEN,
        code => status_code(code)?,
    };
    let mut headers = HeaderMap::new();
    for option in denied.headers {
        let edit = edit(option)?;
        // How the answer is framed is ours to say.
        if is_free(edit.name()) {
            edit.apply(&mut headers);
        }
    }
    Ok(Denial {
        status,
        headers,
        body: denied.body,
    })
}

fn status_code(code: i32) -> Result<StatusCode, Nonsense> {
    let status = u16::try_from(code)
        .ok()
        .filter(|code| (200..600).contains(code));
    let status = status.and_then(|code| StatusCode::from_u16(code).ok());
    status.ok_or(Nonsense::Status(code))
}

/// Here, other than elsewhere, `append` is false where it is not said.
fn edit(option: HeaderValueOption) -> Result<Edit, Nonsense> {
    let header = option.header.unwrap_or_default();
    let name = HeaderName::from_bytes(header.key.as_bytes());
    let name = name.map_err(|_| Nonsense::Name(header.key))?;
    let value = match header.value.is_empty() {
        true => header.raw_value,
        false => header.value.into_bytes(),
    };
    let value = HeaderValue::from_bytes(&value).map_err(|_| Nonsense::Value(name.clone()))?;
    Ok(match (option.append, option.append_action) {
        (Some(true), _) => Edit::Append(name, value),
        (Some(false), _) | (None, 0 | 2) => Edit::Set(name, value),
        (None, 1) => Edit::Add(name, value),
        (None, 3) => Edit::Overwrite(name, value),
        (None, action) => return Err(Nonsense::Action(action)),
    })
}

/// A request may get another `Host`, but not a second one; how it is framed is not open.
fn of_the_request(edit: Edit) -> Result<Edit, Nonsense> {
    let another = *edit.name() == header::HOST && !matches!(edit, Edit::Append(..));
    match is_free(edit.name()) || another {
        true => Ok(edit),
        false => Err(Nonsense::Header(edit.name().clone())),
    }
}

fn of_the_answer(edit: Edit) -> Result<Edit, Nonsense> {
    match is_free(edit.name()) {
        true => Ok(edit),
        false => Err(Nonsense::Header(edit.name().clone())),
    }
}

/// What may not be removed is kept, as the protocol demands of `Host` and pseudo-headers.
fn removable(name: &String) -> Option<HeaderName> {
    HeaderName::from_bytes(name.as_bytes()).ok().filter(is_free)
}

/// Whether a header does not say where its message goes or how it is framed.
fn is_free(name: &HeaderName) -> bool {
    !forward::is_hop_by_hop(name) && !forward::is_of_the_message(name)
}

#[cfg(test)]
mod tests;
