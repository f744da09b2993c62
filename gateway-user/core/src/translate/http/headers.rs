//! Header modifiers, names and values parsed once.

use http::{HeaderName, HeaderValue};

use crate::{
    api::filter::{Header, HeaderModifier},
    plan::HeaderEdit,
    verdict::RouteVerdict,
};

pub(super) fn edit(at: &str, source: &HeaderModifier) -> Result<HeaderEdit, RouteVerdict> {
    Ok(HeaderEdit {
        set: pairs(&format!("{at}.set"), &source.set)?,
        add: pairs(&format!("{at}.add"), &source.add)?,
        remove: names(&format!("{at}.remove"), &source.remove)?,
    })
}

fn pairs(at: &str, headers: &[Header]) -> Result<Vec<(HeaderName, HeaderValue)>, RouteVerdict> {
    let pair = |(index, header): (usize, &Header)| {
        let at = format!("{at}[{index}]");
        let name = name(&format!("{at}.name"), &header.name)?;
        let value = HeaderValue::from_bytes(header.value.as_bytes());
        let value = value.map_err(|_| RouteVerdict::UnsupportedValue {
            at: format!("{at}.value"),
            value: format!("{:?}", header.value),
            allowed: "a header value has no control characters".to_owned(),
        })?;
        Ok((name, value))
    };
    headers.iter().enumerate().map(pair).collect()
}

pub(super) fn names(
    at: &str,
    names: &[std::sync::Arc<str>],
) -> Result<Vec<HeaderName>, RouteVerdict> {
    let names = names.iter().enumerate();
    names
        .map(|(index, text)| name(&format!("{at}[{index}]"), text))
        .collect()
}

fn name(at: &str, text: &str) -> Result<HeaderName, RouteVerdict> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| RouteVerdict::UnsupportedValue {
        at: at.to_owned(),
        value: format!("{text:?}"),
        allowed: "write a header name such as X-Version".to_owned(),
    })
}
