//! What it takes to find the route of a request, by the number of routes on its host: nanoseconds, the
//! least of several rounds in which the sizes take turns. Bounds nothing.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it measures time, and prints it"
)]

use std::{
    error::Error,
    hint::black_box,
    net::SocketAddr,
    time::{Duration, Instant},
};

use gateway_core::{
    endpoints::Endpoints,
    http::{Outcome, RequestHead, Table},
    name::ObjectName,
    plan::{
        Frontend, FrontendId, HostPattern, HttpFrontend, HttpListener, HttpMatch, HttpRoute,
        HttpRule, PathMatch, Plan, RouteKind, Transport,
    },
};
use http::{HeaderMap, Method};
use regex::Regex;

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
const ROUNDS: usize = 7;
const REQUESTS: usize = 20_000;

type Path = fn(usize) -> Result<PathMatch, regex::Error>;
type Kind = (&'static str, Path);

const KINDS: [Kind; 3] = [
    ("exact", |n| Ok(PathMatch::Exact(asked(n).into()))),
    ("prefix", |n| {
        let prefix = format!("/team-{}/service-{n}", n % 10);
        Ok(PathMatch::Prefix(prefix.into()))
    }),
    ("regular expression", |n| {
        let pattern = format!("^(?:/team-{}/service-{n}/v[0-9]+/.*)$", n % 10);
        Regex::new(&pattern).map(PathMatch::Regex)
    }),
];

/// A path that the `n`th route takes, of every kind.
fn asked(n: usize) -> String {
    format!("/team-{}/service-{n}/v2/items", n % 10)
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("| match of the path | routes | ns to the route | ns to none | ms to compile |");
    println!("|---|---:|---:|---:|---:|");
    for (what, path) in KINDS {
        let places = SIZES.into_iter().map(|routes| Place::new(routes, path));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        let mut least = vec![[Duration::MAX; 2]; places.len()];
        for _ in 0..ROUNDS {
            for (place, least) in places.iter().zip(&mut least) {
                let [found, missed] = *least;
                *least = [found.min(place.found()?), missed.min(place.missed()?)];
            }
        }
        for (place, least) in places.iter().zip(least) {
            let [found, missed] = least.map(|time| time.as_nanos() / REQUESTS as u128);
            let (routes, compiled) = (place.routes, place.compiled.as_secs_f64() * 1e3);
            println!("| {what} | {routes} | {found} | {missed} | {compiled:.1} |");
        }
    }
    Ok(())
}

struct Place {
    routes: usize,
    table: Table,
    compiled: Duration,
    address: SocketAddr,
}

impl Place {
    /// A listener with so many routes of one rule each.
    fn new(routes: usize, path: Path) -> Result<Self, regex::Error> {
        let address = SocketAddr::from(([192, 0, 2, 1], 80));
        let all = (0..routes).map(|n| Ok(route(n, path(n)?)));
        let plan = plan(address, all.collect::<Result<_, _>>()?);
        let start = Instant::now();
        let table = Table::compile(&plan, &Endpoints::default());
        Ok(Self {
            routes,
            table,
            compiled: start.elapsed(),
            address,
        })
    }

    /// Requests for every route in turn.
    fn found(&self) -> Result<Duration, String> {
        let paths: Vec<_> = (0..self.routes).map(asked).collect();
        self.time(&paths, true)
    }

    /// Requests that look like those.
    fn missed(&self) -> Result<Duration, String> {
        let paths: Vec<_> = (0..self.routes)
            .map(|n| format!("/team-{}/other-{n}/v2/items", n % 10))
            .collect();
        self.time(&paths, false)
    }

    /// For so many requests as [`REQUESTS`].
    ///
    /// # Errors
    /// One of them has a route though none `exists`, or the other way round.
    fn time(&self, paths: &[String], exists: bool) -> Result<Duration, String> {
        let headers = HeaderMap::new();
        let start = Instant::now();
        for path in paths.iter().cycle().take(REQUESTS) {
            let head = RequestHead {
                host: "shop.example",
                path,
                method: &Method::GET,
                headers: &headers,
                query: None,
            };
            let outcome = black_box(self.table.route(self.address, black_box(&head)));
            if matches!(outcome, Outcome::Matched(_)) != exists {
                return Err(format!("{path}: {outcome:?}"));
            }
        }
        Ok(start.elapsed())
    }
}

fn route(n: usize, path: PathMatch) -> HttpRoute {
    let rule = HttpRule {
        matches: vec![HttpMatch {
            path,
            method: None,
            headers: Vec::new(),
            query: Vec::new(),
        }],
        ..HttpRule::default()
    };
    HttpRoute {
        kind: RouteKind::Http,
        name: ObjectName::new("default", format!("route-{n}")),
        created: None,
        hostnames: vec![HostPattern::Exact("shop.example".into())],
        rules: vec![rule],
    }
}

fn plan(address: SocketAddr, routes: Vec<HttpRoute>) -> Plan {
    let listener = HttpListener {
        name: "web".into(),
        hostname: HostPattern::Any,
        tls: None,
        routes,
    };
    let frontend = Frontend::Http(HttpFrontend {
        gateway: ObjectName::new("default", "gateway"),
        listeners: vec![listener],
        tls: Vec::new(),
    });
    let id = FrontendId {
        address,
        transport: Transport::Tcp,
    };
    Plan {
        frontends: [(id, frontend)].into(),
        ..Plan::default()
    }
}
