//! World to plan and statuses: the rules of Gateway API v1.6, as one pure function.
//!
//! Each step returns what it found together with its verdicts; [`report`] makes statuses of them
//! at the end, and [`assemble`] the plan. Objects are looked at in the order of their names, ties
//! between objects are decided by [`age`], so equal worlds give equal translations.

use std::sync::Arc;

use crate::{addresses::Addressing, plan::Plan, status::Statuses, world::World};

mod address;
pub(crate) mod age;
mod allowed;
mod ancestor;
mod assemble;
mod attach;
mod authority;
mod backend;
mod class;
mod client_certificate;
mod conflict;
mod frontend;
mod gateway;
mod grant;
mod grpc;
mod hostname;
mod http;
mod l4;
mod listener;
mod listener_set;
mod nearby;
mod overlap;
mod owner;
mod parameters;
mod parent;
mod policy;
mod pool;
mod report;
mod rival;
mod route;
mod shadow;
mod tls;

/// Name that our GatewayClasses give in `spec.controllerName`.
pub const CONTROLLER_NAME: &str = "xdp-gateway.dev/controller";

/// What is decided outside of the objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// GatewayClasses that name it are ours.
    pub controller_name: Arc<str>,
    pub addressing: Addressing,
}

/// What the data paths shall do, and what there is to tell about each object once they do it.
#[derive(Clone, Debug, Default)]
pub struct Translation {
    pub plan: Plan,
    pub statuses: Statuses,
}

/// Translates all objects. Endpoints are joined later, see
/// [`endpoint_verdicts`](crate::status::endpoint_verdicts).
pub fn translate(world: &World, settings: &Settings) -> Translation {
    let scope = Scope {
        world,
        settings,
        nearby: &nearby::Nearby::new(world),
        policies: &policy::Policies::new(world),
    };
    let mut gateways = gateway::judge(scope);
    conflict::judge(&mut gateways.served);
    overlap::judge(&mut gateways.served);
    gateway::conclude(&mut gateways.served);
    let mut routes = route::judge(scope, &gateways);
    rival::judge(&gateways.served, &mut routes);
    shadow::judge(&gateways.served, &mut routes);
    let mut plan = assemble::plan(&gateways.served, &routes);
    plan.node = parameters::of_node(scope);
    Translation {
        plan,
        statuses: report::statuses(scope, &gateways, &routes),
    }
}

/// What every step may look at.
#[derive(Clone, Copy)]
struct Scope<'a> {
    world: &'a World,
    settings: &'a Settings,
    nearby: &'a nearby::Nearby<'a>,
    policies: &'a policy::Policies<'a>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            controller_name: CONTROLLER_NAME.into(),
            addressing: Addressing::standalone(Vec::new()),
        }
    }
}
