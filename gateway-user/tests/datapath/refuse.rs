//! What must be refused, with nothing changed.

use std::fs;

use aya::maps::{Array, Map, MapData};
use gateway_user::bpf::{Datapath, unload};

use crate::rig::Rig;

#[test]
fn an_interface_that_is_missing() {
    let rig = Rig::new();
    let mut options = rig.options();
    options.interfaces.push("nope0".into());
    let message = rig.refusal(&options);
    assert!(
        message.contains("nope0") && message.contains("ip link"),
        "{message}"
    );
    assert_eq!(rig.xdp_of("up0"), None);
    assert!(
        !rig.pins().exists(),
        "a first start that fails leaves nothing"
    );
}

#[test]
fn an_xdp_program_of_somebody_else() {
    let rig = Rig::new();
    rig.connect("up1", "peer1", 2);
    let mut options = rig.options();
    options.interfaces.push("up1".into());
    rig.attach_foreign("up1", || {
        let theirs = rig.xdp_of("up1");
        let message = rig.refusal(&options);
        assert!(
            message.contains("up1 carries another XDP program"),
            "{message}"
        );
        assert!(message.contains("xdpgw_clock"), "it is named: {message}");
        assert_eq!(rig.xdp_of("up1"), theirs);
        assert_eq!(
            rig.xdp_of("up0"),
            None,
            "the free interface was not touched"
        );
    });
}

#[test]
fn a_pinned_map_of_another_shape() {
    let rig = Rig::new();
    rig.open(&rig.options(), |datapath| drop(datapath.expect("it opens")));
    let before = rig.xdp_of("up0");
    let path = rig.versioned("maps/maglev");
    fs::remove_file(&path).expect("a pin to replace");
    let mut other = Array::<MapData, u64>::create(16, 0).expect("a map");
    other.set(3, 7_u64, 0).expect("a value");
    other.pin(&path).expect("a pin");
    let message = rig.refusal(&rig.options());
    assert!(
        message.contains("values of 8 bytes, 16 entries"),
        "{message}"
    );
    assert!(message.contains("xdp-gateway unload"), "{message}");
    let kept = MapData::from_pin(&path).and_then(Map::from_map_data);
    let kept = Array::<MapData, u64>::try_from(kept.expect("the pin is there")).expect("an array");
    assert_eq!(kept.get(&3, 0).expect("a value"), 7);
    assert_eq!(rig.xdp_of("up0"), before, "the programs in force stay");
}

#[test]
fn pins_of_another_version() {
    let rig = Rig::new();
    fs::create_dir_all(rig.pins().join("v999/maps")).expect("a directory");
    let message = rig.refusal(&rig.options());
    assert!(
        message.contains("v999") && message.contains("xdp-gateway unload"),
        "{message}"
    );
    unload(&rig.pins()).expect("unload knows other versions");
    rig.open(&rig.options(), |datapath| {
        drop(datapath.expect("now it opens"));
    });
}

#[test]
fn a_second_daemon_on_the_same_pins() {
    let rig = Rig::new();
    let options = rig.options();
    rig.on_node(async || {
        let first = Datapath::open(&options).await.expect("it opens");
        let second = Datapath::open(&options).await.err().expect("it is refused");
        assert!(format!("{second:#}").contains("another xdp-gateway is running"));
        let unloading = unload(&rig.pins()).expect_err("it is refused");
        assert!(format!("{unloading:#}").contains("another xdp-gateway is running"));
        drop(first);
        unload(&rig.pins()).expect("free again");
    });
}

#[test]
fn a_directory_that_is_not_on_a_bpf_file_system() {
    let rig = Rig::new();
    let mut options = rig.options();
    options.pin_dir = rig.net.dir().join("pins");
    let message = rig.refusal(&options);
    assert!(message.contains("not on a BPF file system"), "{message}");
    assert!(!options.pin_dir.exists());
}
