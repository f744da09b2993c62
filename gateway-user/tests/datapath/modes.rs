//! Which XDP mode is in force, as asked for and as reported.

use gateway_user::bpf::{Hook, Mode, XdpMode};

use crate::rig::{Rig, xdp};

#[test]
fn programs_are_on_every_hook_in_driver_mode() {
    let rig = Rig::new();
    rig.open(&rig.options(), |datapath| {
        let datapath = datapath.expect("it opens");
        let hooks: Vec<_> = datapath.attachments().iter().map(|a| a.hook).collect();
        assert_eq!(
            hooks,
            [Hook::SkLookup, Hook::Xdp, Hook::TcxIngress, Hook::TcxEgress]
        );
        assert_eq!(
            xdp(datapath.attachments()),
            (Some("up0"), Some(Mode::Driver))
        );
    });
    assert!(rig.xdp_of("up0").expect("attached").starts_with("driver"));
}

#[test]
fn generic_mode_can_be_asked_for_and_left() {
    let rig = Rig::new();
    let mode = |xdp_mode| {
        let mut options = rig.options();
        options.xdp_mode = xdp_mode;
        rig.open(&options, |datapath| {
            xdp(datapath.expect("it opens").attachments()).1
        })
    };
    assert_eq!(mode(XdpMode::Generic), Some(Mode::Generic));
    assert!(rig.xdp_of("up0").expect("attached").starts_with("generic"));
    assert_eq!(
        mode(XdpMode::Auto),
        Some(Mode::Generic),
        "not changed without need"
    );
    assert_eq!(mode(XdpMode::Driver), Some(Mode::Driver));
    assert!(rig.xdp_of("up0").expect("attached").starts_with("driver"));
}

#[test]
fn an_interface_without_driver_support_falls_back_and_says_why() {
    let rig = Rig::new();
    let mut options = rig.options();
    options.interfaces = vec!["lo".into()];
    options.xdp_mode = XdpMode::Driver;
    let message = rig.refusal(&options);
    assert!(
        message.contains("cannot attach XDP to lo in mode Driver"),
        "{message}"
    );
    assert!(
        !rig.pins().exists(),
        "a first start that fails leaves nothing"
    );
    options.xdp_mode = XdpMode::Auto;
    let attachments = rig.open(&options, |d| d.expect("it opens").attachments().to_vec());
    assert_eq!(xdp(&attachments), (Some("lo"), Some(Mode::Generic)));
    let note = attachments
        .iter()
        .find_map(|a| a.note.as_deref())
        .expect("a reason");
    assert!(note.contains("the driver refused"), "{note}");
    assert!(rig.xdp_of("lo").expect("attached").starts_with("generic"));
}
