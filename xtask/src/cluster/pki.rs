//! The cluster's own authority and the certificates of its components.

use std::{fs, path::Path};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::plan::{API_SERVICE, Node, Plan};

/// Signs the certificates of one cluster; forgotten once all are made.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    service_accounts: KeyPair,
}

/// Who a certificate speaks for.
pub(super) struct Subject {
    /// Of the files.
    pub(super) file: &'static str,
    pub(super) common_name: String,
    /// The group, as Kubernetes sees it.
    pub(super) organization: Option<&'static str>,
    /// Names and addresses; empty for clients.
    pub(super) serves: Vec<String>,
}

impl Authority {
    pub(super) fn new() -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "xdp-gateway test cluster");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
            service_accounts: KeyPair::generate()?,
        })
    }

    /// Writes `ca.crt` and, for each subject, `FILE.crt` and `FILE.key`.
    pub(super) fn write(&self, dir: &Path, subjects: &[Subject]) -> Result<()> {
        fs::create_dir_all(dir)?;
        fs::write(dir.join("ca.crt"), &self.pem)?;
        for subject in subjects {
            let key = KeyPair::generate()?;
            let certificate = params(subject)?.signed_by(&key, &self.issuer)?;
            let file = |end: &str| dir.join(format!("{}.{end}", subject.file));
            fs::write(file("crt"), certificate.pem())?;
            fs::write(file("key"), key.serialize_pem())?;
        }
        Ok(())
    }

    /// Writes the keys of the tokens of ServiceAccounts: `sa.key` and `sa.pub`.
    pub(super) fn write_service_accounts(&self, dir: &Path) -> Result<()> {
        fs::write(dir.join("sa.key"), self.service_accounts.serialize_pem())?;
        fs::write(dir.join("sa.pub"), self.service_accounts.public_key_pem())?;
        Ok(())
    }
}

fn params(subject: &Subject) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(subject.serves.clone())?;
    if let Some(organization) = subject.organization {
        let name = &mut params.distinguished_name;
        name.push(DnType::OrganizationName, organization);
    }
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, subject.common_name.as_str());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![if subject.serves.is_empty() {
        ExtendedKeyUsagePurpose::ClientAuth
    } else {
        ExtendedKeyUsagePurpose::ServerAuth
    }];
    Ok(params)
}

/// What a node's components present; users and groups are those that Kubernetes knows.
pub(super) fn subjects(plan: &Plan, node: &Node) -> Vec<Subject> {
    let client = |file, common_name: &str, organization| Subject {
        file,
        common_name: common_name.to_owned(),
        organization,
        serves: Vec::new(),
    };
    let kubelet = format!("system:node:{}", node.name);
    let mut all = vec![
        client("admin", "admin", Some("system:masters")),
        client("kubelet", &kubelet, Some("system:nodes")),
        client("kube-proxy", "system:kube-proxy", None),
    ];
    if node.control_plane {
        let manager = "system:kube-controller-manager";
        all.push(client("kube-controller-manager", manager, None));
        all.push(client("kube-scheduler", "system:kube-scheduler", None));
        let to_kubelets = client("to-kubelets", "apiserver", Some("system:masters"));
        all.push(to_kubelets);
        let mut serves: Vec<String> = vec![
            "localhost".into(),
            "127.0.0.1".into(),
            API_SERVICE.into(),
            "kubernetes.default.svc".into(),
            "kubernetes.default.svc.cluster.local".into(),
        ];
        serves.extend(plan.nodes[0..1].iter().map(|n| n.address.to_string()));
        all.push(Subject {
            serves,
            ..client("kube-apiserver", "kube-apiserver", None)
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_node_holds_the_control_planes_certificates() {
        let plan = Plan::new(2).expect("a plan");
        let files = |node: &Node| -> Vec<_> {
            let subjects = subjects(&plan, node).into_iter();
            subjects.map(|subject| subject.file).collect()
        };
        assert!(files(&plan.nodes[0]).contains(&"kube-apiserver"));
        assert_eq!(files(&plan.nodes[1]), ["admin", "kubelet", "kube-proxy"]);
    }

    #[test]
    fn certificates_and_keys_are_written_for_each_subject() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let plan = Plan::new(1).expect("a plan");
        let subjects = subjects(&plan, &plan.nodes[0]);
        let authority = Authority::new().expect("an authority");
        authority.write(dir.path(), &subjects).expect("written");
        authority
            .write_service_accounts(dir.path())
            .expect("written");
        for subject in subjects {
            let read = |end: &str| {
                let file = dir.path().join(format!("{}.{end}", subject.file));
                fs::read_to_string(file).expect("a file")
            };
            assert!(read("crt").starts_with("-----BEGIN CERTIFICATE"));
            KeyPair::from_pem(&read("key")).expect("a key");
        }
        let public = fs::read_to_string(dir.path().join("sa.pub")).expect("a file");
        assert!(public.starts_with("-----BEGIN PUBLIC KEY"));
    }
}
