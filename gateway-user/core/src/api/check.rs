//! The rules of the official CRD schemas (Gateway API v1.6) that types cannot express: lengths,
//! counts, patterns and the CEL rules. One file for each kind; all problems are found at once.

mod backend;
mod class;
mod core_kinds;
mod cors;
mod external_auth;
mod filter;
pub mod format;
mod gateway;
mod gateway_tls;
mod grant;
mod grpc;
mod health_check;
mod http;
mod listener;
mod listener_set;
mod meta;
mod parameters;
mod parents;
mod policy;
mod pool;
pub mod problems;
mod route;
mod tls_policy;

pub use self::problems::{Finding, Problems, nearest};
pub(crate) use self::{
    class::class,
    core_kinds::{endpoint_slice, secret, service},
    external_auth::MOST as MOST_SHOWN,
    gateway::gateway,
    grant::grant,
    grpc::grpc_route,
    http::http_route,
    listener_set::listener_set,
    meta::meta,
    parameters::gateway_parameters,
    pool::pool,
    route::{l4_route, tls_route},
    tls_policy::tls_policy,
};
