//! Tells rustc which machine's headers the bindings are for.
fn main() -> aya_build::Result<()> {
    aya_build::emit_bpf_target_arch_cfg()
}
