//! What interfaces without our programs mean for the Gateways.

use gateway_core::{
    name::ObjectName,
    plan::{Frontend, NodeWish},
    world::World,
};

use super::{
    daemon::Daemon,
    reconcile::{Failure, Outcome},
};
use crate::bpf::Attachment;

/// Where the programs are and are not, and who asked for it.
struct Interfaces<'a> {
    attachments: &'a [Attachment],
    /// `None` where GatewayClasses do not decide.
    asked: Option<&'a NodeWish>,
    /// Why the interfaces could not be followed.
    trouble: Option<&'a str>,
}

impl Daemon {
    /// Says in the statuses of the Gateways which of their interfaces are not served; returns
    /// whether any is.
    pub(super) fn tell_interfaces(&self, world: &World, outcome: &mut Outcome) -> bool {
        let path = &self.reconciler.path;
        let wish = &outcome.translation.plan.node.clone();
        let interfaces = Interfaces {
            attachments: path.kernel.attachments(),
            asked: path.choice.classes_decide(wish).then_some(wish),
            trouble: path.trouble.as_deref(),
        };
        interfaces.tell(world, outcome)
    }
}

impl Interfaces<'_> {
    fn tell(&self, world: &World, outcome: &mut Outcome) -> bool {
        let any = self.attachments.iter().any(Attachment::takes_packets);
        let failure = match (self.trouble, any) {
            (Some(trouble), _) => Some(trouble.to_owned()),
            (None, true) => None,
            (None, false) => Some(self.nothing()),
        };
        let frontends = outcome.translation.plan.frontends.values();
        for gateway in frontends.map(Frontend::gateway) {
            let why = self.refused(world, gateway);
            if !why.is_empty() {
                outcome.statuses.interfaces_not_served(gateway, &why);
            }
            if let (Some(why), false) = (&failure, any) {
                outcome.statuses.not_programmed(gateway, why);
            }
        }
        if outcome.failure.is_none() {
            outcome.failure = failure.map(Failure::Interfaces);
        }
        any
    }

    /// Why interfaces that concern a Gateway are not served.
    fn refused(&self, world: &World, gateway: &ObjectName) -> Vec<String> {
        let class = world.gateways.get(gateway);
        let class = class.map(|gateway| &gateway.spec.gateway_class_name);
        let concerns = |interface: &str| match (self.asked, class) {
            (Some(wish), Some(class)) => wish.asking(interface).contains(class),
            _ => true,
        };
        let refused = self.attachments.iter().filter_map(Attachment::refused);
        let refused = refused.filter(|(interface, _)| concerns(interface));
        refused.map(|(_, why)| why.to_owned()).collect()
    }

    fn nothing(&self) -> String {
        let refused = self.attachments.iter().filter_map(Attachment::refused);
        let mut why: Vec<&str> = refused.map(|(_, why)| why).collect();
        let asked = self.asked.map(|wish| wish.interfaces.keys());
        let asked: Vec<&str> = asked.into_iter().flatten().map(AsRef::as_ref).collect();
        let absent = format!(
            "this node has none of the interfaces that GatewayClasses ask for ({}): see `ip link` \
             for those there are",
            asked.join(", ")
        );
        if why.is_empty() {
            why.push(match self.asked {
                Some(_) => &absent,
                None => "its interfaces are gone",
            });
        }
        format!("no interface carries the programs: {}", why.join("; "))
    }
}
