//! Calls of gRPC, framed by hand, and backends that are spoken to in HTTP/2.

mod away;
mod failures;
mod http;
mod peer;
mod streams;
mod unary;
