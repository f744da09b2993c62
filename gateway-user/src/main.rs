//! Entry point of the `xdp-gateway` binary.
fn main() {}
