//! End-to-end tests: real processes in namespaces of their own. They need root.

mod admin;
mod bed;
mod capabilities;
mod capture;
mod check;
mod checksums;
mod churn;
mod files;
mod grpc;
mod http;
mod inspect;
mod interface;
mod kernel_log;
mod listener_sets;
mod maps;
mod neighbours;
mod others;
mod parameters;
mod refused;
mod reload;
mod restart;
mod signals;
mod tcp;
mod tls;
mod udp;
mod unload;
