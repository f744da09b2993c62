//! What is built, from which packages, and how.

/// One module below xtask/go and the programs that come of it.
#[derive(Debug)]
pub(super) struct Tool {
    /// Directory below xtask/go.
    pub(super) module: &'static str,
    /// The module whose version the result is named after; empty for our own.
    pub(super) versioned_by: &'static str,
    pub(super) packages: &'static [&'static str],
    pub(super) programs: &'static [&'static str],
    pub(super) tags: &'static str,
    /// Flags of the linker; VERSION is replaced.
    pub(super) link: &'static str,
    pub(super) cgo: bool,
    pub(super) copies: &'static [Copy],
    /// For whoever waits: on two cores, with nothing cached.
    pub(super) takes: &'static str,
}

/// YAML files of a Go module.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) module: &'static str,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

const STRIPPED: &str = "-s -w";

const SIMPLE: Tool = Tool {
    module: "",
    versioned_by: "",
    packages: &["."],
    programs: &[],
    tags: "",
    link: STRIPPED,
    cgo: false,
    copies: &[],
    takes: "which takes a minute",
};

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        module: "pause",
        programs: &["pause"],
        takes: "which takes seconds",
        ..SIMPLE
    },
    Tool {
        module: "etcd",
        versioned_by: "go.etcd.io/etcd/server/v3",
        packages: &["go.etcd.io/etcd/server/v3"],
        programs: &["etcd"],
        ..SIMPLE
    },
    Tool {
        module: "kubernetes",
        versioned_by: "k8s.io/kubernetes",
        packages: &[
            "k8s.io/kubernetes/cmd/kube-apiserver",
            "k8s.io/kubernetes/cmd/kube-controller-manager",
            "k8s.io/kubernetes/cmd/kube-proxy",
            "k8s.io/kubernetes/cmd/kube-scheduler",
            "k8s.io/kubernetes/cmd/kubectl",
            "k8s.io/kubernetes/cmd/kubelet",
        ],
        programs: &[
            "kube-apiserver",
            "kube-controller-manager",
            "kube-proxy",
            "kube-scheduler",
            "kubectl",
            "kubelet",
        ],
        // A kubelet without a version is refused by the scheduler's and the API's skew checks.
        link: "-s -w -X k8s.io/component-base/version.gitVersion=VERSION \
               -X k8s.io/component-base/version.gitMajor=1 \
               -X k8s.io/component-base/version.gitMinor=36",
        cgo: true,
        takes: "which takes eight minutes",
        ..SIMPLE
    },
    Tool {
        module: "containerd",
        versioned_by: "github.com/containerd/containerd/v2",
        packages: &[
            "github.com/containerd/containerd/v2/cmd/containerd",
            "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
            "github.com/containerd/containerd/v2/cmd/ctr",
        ],
        programs: &["containerd", "containerd-shim-runc-v2", "ctr"],
        // Snapshotters that need libraries of C.
        tags: "no_btrfs no_zfs no_aufs no_devmapper",
        ..SIMPLE
    },
    Tool {
        module: "helm",
        versioned_by: "helm.sh/helm/v3",
        packages: &["helm.sh/helm/v3/cmd/helm"],
        programs: &["helm"],
        takes: "which takes three minutes",
        ..SIMPLE
    },
    Tool {
        module: "coredns",
        versioned_by: "github.com/coredns/coredns",
        programs: &["coredns"],
        ..SIMPLE
    },
    Tool {
        module: "gateway-api",
        versioned_by: "sigs.k8s.io/gateway-api",
        packages: &["sigs.k8s.io/gateway-api/conformance/echo-basic"],
        programs: &["echo-basic"],
        copies: &[
            Copy {
                module: "sigs.k8s.io/gateway-api",
                from: "config/crd/experimental",
                to: "crds",
            },
            Copy {
                module: "sigs.k8s.io/gateway-api/conformance",
                from: "base",
                to: "manifests/base",
            },
            Copy {
                module: "sigs.k8s.io/gateway-api/conformance",
                from: "tests",
                to: "manifests/tests",
            },
        ],
        ..SIMPLE
    },
];

/// What judges the proxy from outside.
pub(super) const INTEROP: &[Tool] = &[
    Tool {
        module: "h2spec",
        versioned_by: "github.com/summerwind/h2spec",
        packages: &["github.com/summerwind/h2spec/cmd/h2spec"],
        programs: &["h2spec"],
        takes: "which takes seconds",
        ..SIMPLE
    },
    Tool {
        module: "grpc",
        versioned_by: "google.golang.org/grpc",
        packages: &[
            "google.golang.org/grpc/interop/client",
            "google.golang.org/grpc/interop/server",
        ],
        programs: &["client", "server"],
        ..SIMPLE
    },
];
