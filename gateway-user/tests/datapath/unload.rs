//! Nothing is left behind.

use aya::programs::loaded_links;
use gateway_user::bpf::unload;

use crate::rig::Rig;

#[test]
fn removes_links_maps_and_directories_and_says_so() {
    let rig = Rig::new();
    rig.open(&rig.options(), |datapath| drop(datapath.expect("it opens")));
    let removed = unload(&rig.pins()).expect("it unloads");
    for path in [
        "links/xdp-up0",
        "links/tcx-up0",
        "links/sk_lookup",
        "maps/flows",
    ] {
        assert!(
            removed.contains(&rig.versioned(path)),
            "{path} in {removed:?}"
        );
    }
    assert!(!rig.pins().exists());
    assert_eq!(rig.xdp_of("up0"), None);
    let tcx = rig.node.run("bpftool", ["net", "show"]).expect("bpftool");
    assert!(!tcx.contains("xdpgw"), "{tcx}");
    assert_eq!(
        unload(&rig.pins()).expect("again"),
        Vec::<std::path::PathBuf>::new()
    );
}

#[test]
fn works_after_the_interface_is_gone() {
    let rig = Rig::new();
    rig.open(&rig.options(), |datapath| drop(datapath.expect("it opens")));
    rig.node.ip("link delete up0").expect("it can be deleted");
    unload(&rig.pins()).expect("it unloads");
    assert!(!rig.pins().exists());
    assert!(loaded_links().all(|link| link.is_ok()));
}
