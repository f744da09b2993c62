//! End-to-end tests: real processes in namespaces of their own. They need root.

mod admin;
mod bed;
mod check;
mod files;
mod http;
mod others;
mod reload;
mod restart;
mod signals;
mod tcp;
mod udp;
mod unload;
