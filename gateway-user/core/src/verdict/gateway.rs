//! What can be said about a Gateway as a whole.

use std::{net::IpAddr, sync::Arc};

use super::{
    ConditionType::{
        Accepted, AddressConflict, AddressesAssigned, FieldsIgnored, InfrastructureApplied,
        InsecureFrontendValidationMode, InterfacesServed, Programmed,
    },
    Outcome, ParametersFault, Verdict, is_false, is_true, is_unknown, refused, unresolved,
};
use crate::{
    announce::MacAddress,
    api::{Kind, core_kinds::Family},
    name::ObjectName,
};

/// Begins the message of [`GatewayVerdict::NotApplied`].
pub const NOT_APPLIED: &str = "the data path does not hold it yet: ";

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayVerdict {
    #[error(
        "GatewayClass \"{class}\" does not exist ({hint}); create it with \
         spec.controllerName: {ours}, or name another in spec.gatewayClassName"
    )]
    ClassMissing {
        class: Arc<str>,
        hint: String,
        ours: Arc<str>,
    },

    #[error(
        "GatewayClass \"{class}\" belongs to the controller \"{theirs}\"; to be served here, name \
         a class with controllerName {ours} in spec.gatewayClassName ({hint})"
    )]
    ClassForeign {
        class: Arc<str>,
        theirs: Arc<str>,
        ours: Arc<str>,
        hint: String,
    },

    #[error("GatewayClass \"{class}\" is not accepted; its Accepted condition says why")]
    ClassNotAccepted { class: Arc<str> },

    #[error("spec.infrastructure.parametersRef {0}")]
    Parameters(ParametersFault),

    #[error("spec.addresses[{index}].type is {kind}; only IPAddress is supported")]
    UnsupportedAddress { index: usize, kind: String },

    #[error(
        "spec.addresses[{index}].value \"{value}\" is not an IP address; write one such as 192.0.2.10"
    )]
    MalformedAddress { index: usize, value: Arc<str> },

    #[error(
        "no address to serve on: there is no AddressPool; create one, or start with --address \
         A.B.C.D for every Gateway that names no address in spec.addresses"
    )]
    NoAddress,

    #[error(
        "no address to serve on: no AddressPool is for this Gateway ({pools}); change one, or \
         create another"
    )]
    NoPoolFits { pools: String },

    #[error(
        "no free {family} address: {pools}; add addresses there, create another AddressPool, or \
         delete Gateways that are not needed"
    )]
    PoolsExhausted { family: Family, pools: String },

    /// As [`Self::PoolsExhausted`], for a Gateway that has an address of the other family.
    #[error(
        "served without {family}, since no {family} address is free: {pools}; add addresses \
         there, create another AddressPool, or delete Gateways that are not needed"
    )]
    FamilyExhausted { family: Family, pools: String },

    #[error(
        "{address} of spec.addresses is in no AddressPool; add it to one, or ask for another: \
         {pools}"
    )]
    AddressInNoPool { address: IpAddr, pools: String },

    #[error(
        "{address} of spec.addresses is not for this Gateway: {pools}; ask for another address, \
         or change the AddressPool"
    )]
    AddressNotAllowed { address: IpAddr, pools: String },

    #[error(
        "{address} of spec.addresses belongs to the Gateway \"{by}\"; ask for another address, or \
         leave value out to get a free one"
    )]
    AddressTaken { address: IpAddr, by: ObjectName },

    #[error("the leader has not assigned its address yet")]
    AddressPending,

    #[error("{addresses}")]
    FromPools { addresses: String },

    #[error(
        "{addresses} is not for this Gateway in any AddressPool any more; it stays in use while \
         no other Gateway asks for it; add it to a pool, or move this Gateway by \
         naming another address in spec.addresses"
    )]
    OutsidePools { addresses: String },

    #[error("not served: {bad}; served: {good}; the listeners' own conditions say why")]
    SomeListenersInvalid { bad: String, good: String },

    #[error("no listener is valid: {bad}; their own conditions say why")]
    NoListenerValid { bad: String },

    #[error("no listener can be served: {bad}; their own conditions say why")]
    NoListenerServed { bad: String },

    #[error("references of listeners cannot be resolved: {bad}; their own conditions say why")]
    ListenersNotResolved { bad: String },

    #[error("spec.tls.backend.clientCertificateRef: {why}; until then backends are shown none")]
    ClientCertificate { why: String },

    #[error(
        "spec.tls.backend.clientCertificateRef: Secret \"{secret}\" is in another namespace; {remedy}"
    )]
    ClientCertificateNotPermitted { secret: ObjectName, remedy: String },

    #[error(
        "{fields} lets in every client, also one without a valid certificate; set mode: \
         AllowValidOnly once all clients have one"
    )]
    InsecureFrontend { fields: String },

    #[error("{field} is not implemented yet and has no effect")]
    FieldIgnored { field: &'static str },

    #[error(
        "{kind} \"{name}\" was not made for this Gateway, and is left as it is: this Gateway has \
         none, and spec.infrastructure is not applied there; rename or delete that {kind} to let \
         the Gateway have its own"
    )]
    NameTaken { kind: Kind, name: ObjectName },

    #[error(
        "spec.infrastructure: {keys} of labels and annotations are reserved, and are not passed \
         on; use a prefix of your own"
    )]
    KeysReserved { keys: String },

    #[error("{NOT_APPLIED}{why}")]
    NotApplied { why: String },

    #[error("{why}; Gateways are not reached through this interface until then")]
    InterfaceRefused { why: String },

    #[error(
        "another station of the network, {mac}, answers for {address}, so that clients may reach it \
         instead; find it by this Ethernet address and take {address} from it, or use another address"
    )]
    AddressConflict { address: IpAddr, mac: MacAddress },
}

impl Verdict for GatewayVerdict {
    fn outcomes(&self) -> &'static [Outcome] {
        match self {
            Self::ClassMissing { .. }
            | Self::ClassForeign { .. }
            | Self::ClassNotAccepted { .. } => {
                const {
                    &[
                        is_unknown(Accepted, "Pending"),
                        is_unknown(Programmed, "Pending"),
                    ]
                }
            }
            Self::Parameters(_) => const { &refused("InvalidParameters") },
            Self::UnsupportedAddress { .. } => const { &refused("UnsupportedAddress") },
            Self::MalformedAddress { .. }
            | Self::AddressInNoPool { .. }
            | Self::AddressNotAllowed { .. }
            | Self::AddressTaken { .. } => const { &[is_false(Programmed, "AddressNotUsable")] },
            Self::NoAddress
            | Self::NoPoolFits { .. }
            | Self::PoolsExhausted { .. }
            | Self::AddressPending => const { &[is_false(Programmed, "AddressNotAssigned")] },
            Self::FamilyExhausted { .. } => {
                const { &[is_false(AddressesAssigned, "PoolsExhausted")] }
            }
            Self::FromPools { .. } => const { &[is_true(AddressesAssigned, "Assigned")] },
            Self::OutsidePools { .. } => const { &[is_false(AddressesAssigned, "OutsideOfPools")] },
            Self::SomeListenersInvalid { .. } => {
                const { &[is_true(Accepted, "ListenersNotValid")] }
            }
            Self::NoListenerValid { .. } => const { &refused("ListenersNotValid") },
            Self::ListenersNotResolved { .. } => const { &unresolved("ListenersNotResolved") },
            Self::NoListenerServed { .. } => const { &[is_false(Programmed, "Invalid")] },
            Self::ClientCertificate { .. } => const { &unresolved("InvalidClientCertificateRef") },
            Self::ClientCertificateNotPermitted { .. } => const { &unresolved("RefNotPermitted") },
            Self::InsecureFrontend { .. } => {
                const {
                    &[is_true(
                        InsecureFrontendValidationMode,
                        "ConfigurationChanged",
                    )]
                }
            }
            Self::FieldIgnored { .. } => const { &[is_true(FieldsIgnored, "NotImplemented")] },
            Self::AddressConflict { .. } => {
                const { &[is_true(AddressConflict, "AnotherStationAnswers")] }
            }
            Self::InterfaceRefused { .. } => const { &[is_false(InterfacesServed, "NotAttached")] },
            Self::NameTaken { .. } => const { &[is_false(InfrastructureApplied, "NameTaken")] },
            Self::KeysReserved { .. } => {
                const { &[is_false(InfrastructureApplied, "KeysReserved")] }
            }
            Self::NotApplied { .. } => const { &[is_false(Programmed, "Pending")] },
        }
    }
}
