//! Authorization servers, asked by HTTP and by gRPC: what they are shown, what their answers do,
//! and that nothing passes without one.

mod bodies;
mod calls;
mod failures;
mod grpc;
mod http;
mod messages;
mod order;
mod server;
mod tls;
mod undecided;
