//! Sessions that stay with an endpoint. Nothing is kept here: the token that the client brings
//! names its endpoint, in a way that every node works out alike and that tells no address.

use std::net::SocketAddr;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use foldhash::HashMap;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};

use super::rule::Backend;
use crate::plan::{BackendId, Carrier, Scheme, Session as Planned};

/// Bytes of an endpoint's name, and of what shows that the end of a session is ours.
const NAME: usize = 16;
const PROOF: usize = 8;

#[derive(Debug)]
pub struct Session {
    planned: Planned,
    header: HeaderName,
    key: Key,
    /// Those of the rule, also with weight 0: sessions that they have go on.
    backends: Box<[Backend]>,
    /// Backends and ready endpoints by name.
    seats: HashMap<String, (usize, SocketAddr)>,
}

/// Where a session is.
#[derive(Debug)]
pub struct Seat<'s> {
    pub backend: &'s Backend,
    pub endpoints: &'s [SocketAddr],
    pub endpoint: SocketAddr,
    token: String,
}

impl Session {
    /// `None` for a name that cannot be one of a header; translation lets none through.
    pub(super) fn new(planned: &Planned, backends: Box<[Backend]>) -> Option<Self> {
        let header = HeaderName::from_bytes(planned.name.as_bytes()).ok()?;
        let key = Key::new(HMAC_SHA256, planned.key.as_bytes());
        let mut session = Self {
            planned: planned.clone(),
            header,
            key,
            backends,
            seats: HashMap::default(),
        };
        let mut seats = HashMap::default();
        for (index, backend) in session.backends.iter().enumerate() {
            let Some(ready) = &backend.target else {
                continue;
            };
            for endpoint in ready.endpoints.iter() {
                let name = session.name(&ready.id, *endpoint);
                // Of two references to a Service, the first has its sessions.
                seats.entry(name).or_insert((index, *endpoint));
            }
        }
        session.seats = seats;
        Some(session)
    }

    /// Where the session of a request is, if it has one, its endpoint is ready, and it has not
    /// ended. `now` is in seconds since the epoch.
    pub fn seat(&self, headers: &HeaderMap, now: u64) -> Option<Seat<'_>> {
        let token = self.token(headers)?;
        let mut parts = token.split('.');
        let name = parts.next()?;
        let (index, endpoint) = self.seats.get(name)?;
        if self.planned.lifetime.is_some() {
            let (end, proof) = (parts.next()?, parts.next()?);
            let ends = u64::from_str_radix(end, 16).ok()?;
            if ends <= now || *proof != self.proof(name, end) {
                return None;
            }
        }
        let backend = self.backends.get(*index)?;
        Some(Seat {
            backend,
            endpoints: &backend.target.as_ref()?.endpoints,
            endpoint: *endpoint,
            token: token.to_owned(),
        })
    }

    /// Tells the client in a response which endpoint answered: the one of its `seat`, or one that a
    /// session begins with. `scheme` is the client's.
    pub fn tell(
        &self,
        seat: Option<Seat<'_>>,
        (id, endpoint): (&BackendId, SocketAddr),
        scheme: Scheme,
        now: u64,
        headers: &mut HeaderMap,
    ) {
        let seat = seat.filter(|seat| seat.endpoint == endpoint);
        match (self.planned.carrier, seat) {
            (Carrier::Cookie { .. }, Some(_)) => {}
            (Carrier::Cookie { permanent }, None) => {
                let token = self.begin(id, endpoint, now);
                let cookie = self.cookie(&token, permanent, scheme);
                if let Ok(cookie) = HeaderValue::try_from(cookie) {
                    headers.append(SET_COOKIE, cookie);
                }
            }
            (Carrier::Header, seat) => {
                let token = seat.map(|seat| seat.token);
                let token = token.unwrap_or_else(|| self.begin(id, endpoint, now));
                if let Ok(token) = HeaderValue::try_from(token) {
                    headers.insert(&self.header, token);
                }
            }
        }
    }

    /// The token of a session that begins now.
    fn begin(&self, id: &BackendId, endpoint: SocketAddr, now: u64) -> String {
        let name = self.name(id, endpoint);
        let Some(lifetime) = self.planned.lifetime else {
            return name;
        };
        let end = format!("{:x}", now.saturating_add(lifetime.as_secs().max(1)));
        let proof = self.proof(&name, &end);
        format!("{name}.{end}.{proof}")
    }

    fn cookie(&self, token: &str, permanent: bool, scheme: Scheme) -> String {
        let mut cookie = format!(
            "{}={token}; Path=/; HttpOnly; SameSite=Strict",
            self.planned.name
        );
        if scheme == Scheme::Https {
            cookie.push_str("; Secure");
        }
        if let Some(lifetime) = self.planned.lifetime.filter(|_| permanent) {
            cookie.push_str(&format!("; Max-Age={}", lifetime.as_secs().max(1)));
        }
        cookie
    }

    /// What the client brings.
    fn token<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        if self.planned.carrier == Carrier::Header {
            return headers.get(&self.header)?.to_str().ok();
        }
        let lines = headers.get_all(COOKIE).into_iter();
        let mut pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'));
        pairs.find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (*name == *self.planned.name).then_some(value)
        })
    }

    fn name(&self, id: &BackendId, endpoint: SocketAddr) -> String {
        hex(
            sign(&self.key, format!("{id} {endpoint}").as_bytes()).as_ref(),
            NAME,
        )
    }

    fn proof(&self, name: &str, end: &str) -> String {
        hex(
            sign(&self.key, format!("{name}.{end}").as_bytes()).as_ref(),
            PROOF,
        )
    }
}

fn hex(bytes: &[u8], count: usize) -> String {
    let bytes = bytes.iter().take(count);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
