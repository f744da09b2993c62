//! `cargo xtask TASK`: one file per task.
fn main() {}
