//! `CheckResponse`: whether a request may go on, and what changes about it.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};

use super::super::wire::{Broken, Fields, Value};
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
    Status(u64),
    #[error("{0:?} is not the name of a header")]
    Name(String),
    #[error("the header {0} has a value with control characters")]
    Value(HeaderName),
    #[error("the header {0} is not another message's to set")]
    Header(HeaderName),
    #[error("{0} is not a way to set a header")]
    Action(u64),
    #[error("a text in it is not UTF-8")]
    Text,
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
    set_query: Vec<(String, String)>,
    remove_query: Vec<String>,
}

/// The client's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
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

/// Which of the two a `CheckResponse` has, in bytes; parts of one message are read as one.
#[derive(Default)]
struct Parts {
    status: Option<u64>,
    denied: Option<Vec<u8>>,
    allowed: Option<Vec<u8>>,
}

fn response(message: &[u8]) -> Result<Decision, Nonsense> {
    let mut parts = Parts::default();
    for field in Fields::of(message) {
        match field? {
            (1, Value::Bytes(status)) => {
                let code = number(status, 1)?;
                let known = parts.status.unwrap_or_default();
                parts.status = Some(code.unwrap_or(known));
            }
            (2, Value::Bytes(denied)) => {
                parts.allowed = None;
                parts.denied.get_or_insert_default().extend(denied);
            }
            (3, Value::Bytes(allowed)) => {
                parts.denied = None;
                parts.allowed.get_or_insert_default().extend(allowed);
            }
            _ => {}
        }
    }
    match (parts.status, parts.allowed, parts.denied) {
        (Some(0), _, Some(_)) => Err(Nonsense::Contradiction),
        (Some(0) | None, Some(allowed), None) => Ok(Decision::Allowed(allowance(&allowed)?)),
        (Some(0), None, None) => Ok(Decision::Allowed(Allowance::default())),
        (Some(_) | None, _, Some(denied)) => Ok(Decision::Denied(denial(&denied)?)),
        (Some(_), _, None) => Ok(Decision::Denied(denial(&[])?)),
        (None, None, None) => Err(Nonsense::NoDecision),
    }
}

/// `OkHttpResponse`. Metadata in it is for other filters of Envoy.
fn allowance(message: &[u8]) -> Result<Allowance, Nonsense> {
    let mut allowance = Allowance::default();
    for field in Fields::of(message) {
        match field? {
            (2, Value::Bytes(option)) => {
                let edit = of_the_request(edit(option)?)?;
                allowance.headers.push(edit);
            }
            (5, Value::Bytes(name)) => allowance.remove.extend(removable(name)),
            (6, Value::Bytes(option)) => {
                let edit = edit(option)?;
                if !is_free(edit.name()) {
                    return Err(Nonsense::Header(edit.name().clone()));
                }
                allowance.answer.push(edit);
            }
            (7, Value::Bytes(parameter)) => {
                let text = |field| Ok::<_, Nonsense>(text(&bytes(parameter, field)?)?.to_owned());
                allowance.set_query.push((text(1)?, text(2)?));
            }
            (8, Value::Bytes(name)) => allowance.remove_query.push(text(name)?.to_owned()),
            _ => {}
        }
    }
    Ok(allowance)
}

/// `DeniedHttpResponse`; without a status code a 403.
fn denial(message: &[u8]) -> Result<Denial, Nonsense> {
    let mut denial = Denial {
        status: StatusCode::FORBIDDEN,
        headers: HeaderMap::new(),
        body: Vec::new(),
    };
    for field in Fields::of(message) {
        match field? {
            (1, Value::Bytes(status)) => {
                if let Some(code) = number(status, 1)?.filter(|code| *code != 0) {
                    denial.status = status_code(code)?;
                }
            }
            (2, Value::Bytes(option)) => {
                let edit = edit(option)?;
                // How the answer is framed is ours to say.
                if is_free(edit.name()) {
                    edit.apply(&mut denial.headers);
                }
            }
            (3, Value::Bytes(body)) => denial.body = body.to_owned(),
            _ => {}
        }
    }
    Ok(denial)
}

fn status_code(code: u64) -> Result<StatusCode, Nonsense> {
    let status = u16::try_from(code)
        .ok()
        .filter(|code| (200..600).contains(code));
    let status = status.and_then(|code| StatusCode::from_u16(code).ok());
    status.ok_or(Nonsense::Status(code))
}

/// `HeaderValueOption`. Here, other than elsewhere, `append` is false where it is not said.
fn edit(message: &[u8]) -> Result<Edit, Nonsense> {
    let (mut header, mut append, mut action) = (Vec::new(), None, 0);
    for field in Fields::of(message) {
        match field? {
            (1, Value::Bytes(pair)) => header.extend_from_slice(pair),
            (2, Value::Bytes(flag)) => append = Some(number(flag, 1)?.unwrap_or_default() != 0),
            (3, Value::Number(number)) => action = number,
            _ => {}
        }
    }
    let name = bytes(&header, 1)?;
    let name = HeaderName::from_bytes(&name)
        .map_err(|_| Nonsense::Name(String::from_utf8_lossy(&name).into_owned()))?;
    let text = bytes(&header, 2)?;
    let value = if text.is_empty() {
        bytes(&header, 3)?
    } else {
        text
    };
    let value = HeaderValue::from_bytes(&value).map_err(|_| Nonsense::Value(name.clone()))?;
    Ok(match (append, action) {
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

/// What may not be removed is kept, as the protocol demands of `Host` and pseudo-headers.
fn removable(name: &[u8]) -> Option<HeaderName> {
    HeaderName::from_bytes(name).ok().filter(is_free)
}

/// Whether a header does not say where its message goes or how it is framed.
fn is_free(name: &HeaderName) -> bool {
    !forward::is_hop_by_hop(name) && !forward::is_of_the_message(name)
}

/// The last number in a field of a message; `None`: there is none.
fn number(message: &[u8], field: u32) -> Result<Option<u64>, Nonsense> {
    let mut last = None;
    for found in Fields::of(message) {
        if let (number, Value::Number(value)) = found?
            && number == field
        {
            last = Some(value);
        }
    }
    Ok(last)
}

/// The last string or bytes in a field of a message; empty if there is none.
fn bytes(message: &[u8], field: u32) -> Result<Vec<u8>, Nonsense> {
    let mut last: &[u8] = &[];
    for found in Fields::of(message) {
        if let (number, Value::Bytes(value)) = found?
            && number == field
        {
            last = value;
        }
    }
    Ok(last.to_owned())
}

fn text(bytes: &[u8]) -> Result<&str, Nonsense> {
    std::str::from_utf8(bytes).map_err(|_| Nonsense::Text)
}

impl From<Broken> for Nonsense {
    fn from(_: Broken) -> Self {
        Self::Wire
    }
}

#[cfg(test)]
mod tests;
