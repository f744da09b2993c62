//! Whose a GatewayClass is, and so whose a Gateway is.

use super::{Scope, parameters};
use crate::{
    api::{Gateway, GatewayClass},
    features,
    verdict::{ClassVerdict, GatewayVerdict, hint},
    world::Installed,
};

pub(super) fn is_ours(scope: Scope, class: &GatewayClass) -> bool {
    class.spec.controller_name == scope.settings.controller_name
}

pub(super) fn judge(scope: Scope, class: &GatewayClass) -> Vec<ClassVerdict> {
    if !is_ours(scope, class) {
        return vec![ClassVerdict::Foreign {
            theirs: class.spec.controller_name.clone(),
            ours: scope.settings.controller_name.clone(),
        }];
    }
    let fault = parameters::of_class(scope, class).err();
    fault.map(ClassVerdict::Parameters).into_iter().collect()
}

/// What is wrong with the installed version of Gateway API. One that is unknown is served as far
/// as we understand it.
pub(super) fn version(installed: &Installed) -> Option<ClassVerdict> {
    let known = |version: &&str| {
        let patch = version.strip_prefix(features::RELEASE);
        patch.is_some_and(|patch| patch.starts_with('.'))
    };
    let version = installed.version.as_deref();
    version
        .filter(known)
        .is_none()
        .then(|| ClassVerdict::UnsupportedVersion {
            installed: version.unwrap_or("of unknown version").into(),
            supported: features::RELEASE,
        })
}

/// Why a Gateway is not served at all, if so, and whether its class is ours nevertheless.
pub(super) fn of_gateway(scope: Scope, gateway: &Gateway) -> Option<(GatewayVerdict, bool)> {
    let name = &gateway.spec.gateway_class_name;
    let ours = || scope.settings.controller_name.clone();
    let Some(class) = scope.world.classes.get(name) else {
        let verdict = GatewayVerdict::ClassMissing {
            class: name.clone(),
            hint: our_classes(scope, name),
            ours: ours(),
        };
        return Some((verdict, false));
    };
    if !is_ours(scope, class) {
        let verdict = GatewayVerdict::ClassForeign {
            class: name.clone(),
            theirs: class.spec.controller_name.clone(),
            ours: ours(),
            hint: our_classes(scope, name),
        };
        return Some((verdict, false));
    }
    let refused = !judge(scope, class).is_empty();
    refused.then(|| {
        (
            GatewayVerdict::ClassNotAccepted {
                class: name.clone(),
            },
            true,
        )
    })
}

fn our_classes(scope: Scope, wanted: &str) -> String {
    let classes = scope.world.classes.values();
    let ours = classes.filter(|class| is_ours(scope, class));
    hint::instead(wanted, ours.map(|class| class.meta.name.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{Installed, version as version_of};

    #[test]
    fn every_patch_of_the_release_is_supported_and_nothing_else() {
        let told = |version: Option<&str>| {
            let version = version.map(Into::into);
            version_of(&Installed { version })
        };
        for known in ["v1.6.0", "v1.6.3", "v1.6.0-rc.1"] {
            assert_eq!(told(Some(known)), None, "{known}");
        }
        for unknown in ["v1.5.1", "v1.60.0", "v1.6", "v2.0.0"] {
            let message = told(Some(unknown)).expect("a verdict").to_string();
            assert!(
                message.contains(unknown) && message.contains("v1.6;"),
                "{message}"
            );
        }
        assert!(told(None).is_some());
    }
}
