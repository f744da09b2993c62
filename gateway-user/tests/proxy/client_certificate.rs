//! Certificates of clients at HTTPS listeners.

use std::sync::Arc;

use gateway_core::{endpoints::Endpoints, plan::Clients, plan::HostPattern};
use rustls::{
    ALL_VERSIONS,
    client::ResolvesClientCert,
    pki_types::ServerName,
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::{
    authority::Authority,
    bed::{Bed, table},
    certificate::client,
    tls::{Site, site},
};

fn serve(clients: &Clients) -> (Bed, Site) {
    let bed = Bed::start(&[]);
    let mut site = site(HostPattern::Any, "a.test", "a");
    if let Some(tls) = &mut site.listener.tls {
        tls.clients = Some(clients.clone());
    }
    let listeners = vec![site.listener.clone()];
    let table = table(bed.address, listeners, &Endpoints::default());
    bed.table.store(Arc::new(table));
    (bed, site)
}

/// Status of an answer; `None` if there was none.
async fn ask(bed: &Bed, site: &Site, shown: Option<Arc<CertifiedKey>>) -> Option<String> {
    let mut config = client(&[&site.certificate], ALL_VERSIONS);
    if let Some(key) = shown {
        let resolver: Arc<dyn ResolvesClientCert> =
            Arc::new(SingleCertAndKey::from((*key).clone()));
        config.client_auth_cert_resolver = resolver;
    }
    let stream = TcpStream::connect(bed.address).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from("a.test").unwrap();
    // With TLS 1.3 the client learns with its first read that it is refused.
    let mut stream = connector.connect(name, stream).await.ok()?;
    let request = b"GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.ok()?;
    text.split(' ').nth(1).map(str::to_owned)
}

#[tokio::test]
async fn clients_are_let_in_by_their_certificates() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let authorities: Arc<[_]> = vec![authority.root.clone()].into();
    let answered = Some("302".to_owned());
    for required in [true, false] {
        let clients = Clients {
            authorities: authorities.clone(),
            required,
        };
        let (bed, site) = serve(&clients);
        let valid = ask(&bed, &site, Some(authority.sign(&["client.test"]))).await;
        let invalid = ask(&bed, &site, Some(stranger.sign(&["client.test"]))).await;
        let without = ask(&bed, &site, None).await;
        assert_eq!(valid, answered);
        let others = if required { None } else { answered.clone() };
        assert_eq!(
            (invalid, without),
            (others.clone(), others),
            "required: {required}"
        );
        bed.stop().await;
    }
}

/// Nobody is let in, least of all without TLS.
#[tokio::test]
async fn without_an_authority_nobody_is_let_in() {
    let clients = Clients {
        authorities: Vec::new().into(),
        required: true,
    };
    let (bed, site) = serve(&clients);
    assert_eq!(ask(&bed, &site, None).await, None);
    let mut clear = TcpStream::connect(bed.address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";
    clear.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    // Closed, with or without a reset.
    let _ = clear.read_to_end(&mut answer).await;
    assert_eq!(answer, b"");
    bed.stop().await;
}
