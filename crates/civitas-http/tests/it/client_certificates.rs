//! Certificates of clients, over connections of TLS: whose is taken, and what the others hear.

use std::sync::Arc;

use civitas_directory::{Client, Role, Roles, Store as _, client::Application};
use civitas_scim::tolerance::Profile;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, date_time_ymd,
};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::world::{Answer, Ask, World, ask};

const DAY_MS: i64 = 86_400_000;

/// Who vouches for certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = named(&[(DnType::CommonName, name)]);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let pem = pem(certificate.der());
        let issuer = Issuer::new(params, key);
        Self { issuer, pem }
    }

    /// A certificate that is valid from January of one year to that of another.
    fn certificate(&self, name: &str, years: (i32, i32)) -> Shown {
        self.certificate_for(name, years, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn certificate_for(
        &self,
        name: &str,
        (from, to): (i32, i32),
        purpose: ExtendedKeyUsagePurpose,
    ) -> Shown {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = named(&[
            (DnType::CountryName, "DE"),
            (DnType::OrganizationName, "Acme, Söhne"),
            (DnType::CommonName, name),
        ]);
        params.extended_key_usages = vec![purpose];
        (params.not_before, params.not_after) =
            (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Shown {
            certificate: certificate.der().clone(),
            key: key.serialize_der(),
        }
    }
}

fn named(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, value) in parts {
        name.push(kind.clone(), *value);
    }
    name
}

fn pem(der: &[u8]) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let text = BASE64_STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

/// The subject of the certificates that are made here.
fn subject(name: &str) -> String {
    format!("CN={name}, O=\"Acme, Söhne\", C=DE")
}

/// A certificate with its key.
struct Shown {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

/// A program that connects, with a certificate or none.
struct Program(Arc<ClientConfig>);

impl Program {
    fn new(shown: Option<&Shown>) -> Self {
        Self::speaking(&[&TLS13, &TLS12], shown)
    }

    fn speaking(versions: &[&'static SupportedProtocolVersion], shown: Option<&Shown>) -> Self {
        let authority = CertificateDer::from_pem_slice(include_bytes!("tls/authority.pem"));
        let mut roots = RootCertStore::empty();
        roots.add(authority.unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        Self(Arc::new(match shown {
            None => config.with_no_client_auth(),
            Some(shown) => {
                let key = PrivatePkcs8KeyDer::from(shown.key.clone());
                config
                    .with_client_auth_cert(vec![shown.certificate.clone()], key.into())
                    .unwrap()
            }
        }))
    }

    async fn connect(&self, world: &World) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(world.addr).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::clone(&self.0));
        connector.connect(name, stream).await.unwrap()
    }

    async fn send(&self, world: &World, ask: Ask) -> Answer {
        let mut stream = self.connect(world).await;
        stream.write_all(&ask.bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Not every end of a connection is announced.
        let _ = stream.read_to_end(&mut answer).await;
        Answer::parse(&answer)
    }
}

fn client(id: &str, role: Option<Role>, application: bool) -> Client {
    Client {
        id: id.to_owned(),
        secrets: Vec::new(),
        certificates: Vec::new(),
        roles: role.into_iter().collect::<Roles>(),
        enabled: true,
        profile: Profile::default(),
        account: None,
        application: application.then(|| Application {
            name: id.to_owned(),
            home: Some("https://shop.example/".to_owned()),
        }),
    }
}

/// A world that trusts an authority, with an administrator system, an application, and a client
/// that is both.
async fn world(authority: &Authority) -> World {
    let world = World::asking(&authority.pem).await;
    let partition = world.tenant().await.partition;
    for client in [
        client("system", Some(Role::Read), false),
        client("shop", None, true),
        client("both", Some(Role::Read), true),
    ] {
        world.store.create_client(partition, client).await.unwrap();
    }
    for id in ["system", "shop"] {
        let answer = bind(&world, id, json!({ "subject": subject(id) })).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    world
}

async fn bind(world: &World, id: &str, body: Value) -> Answer {
    let path = format!("/civitas/v1/clients/{id}/certificates");
    administered(world, ask("POST", &path).body(body.to_string())).await
}

async fn administered(world: &World, ask: Ask) -> Answer {
    let ask = ask.by("admin").header("Content-Type", "application/json");
    Program::new(None).send(world, ask).await
}

fn users() -> Ask {
    ask("GET", "/scim/Users")
}

fn sp_user() -> Ask {
    ask("GET", "/service/users?name_id=nobody")
}

fn invitation() -> Ask {
    let body = json!({
        "inviteeEmail": "eve@example.org", "inviterName": "Ada",
        "targetUrl": "https://shop.example/in", "sourceUrl": "https://shop.example/",
    });
    let ask = ask("POST", "/cps/invite/").header("Content-Type", "application/json");
    ask.body(body.to_string())
}

#[tokio::test]
async fn the_right_certificate_is_its_client() {
    let authority = Authority::new("trusted");
    let world = world(&authority).await;
    let (system, shop) = (
        authority.certificate("system", (2025, 2030)),
        authority.certificate("shop", (2025, 2030)),
    );
    for version in [&TLS12, &TLS13] {
        let program = Program::speaking(&[version], Some(&system));
        // What is taken up again shows the certificate of before.
        for _ in 0..3 {
            let answer = program.send(&world, users()).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        for path in ["/scim/v2/Users", "/service/scim/ServiceProviderConfig"] {
            let answer = program.send(&world, ask("GET", path)).await;
            assert!(![401, 500].contains(&answer.status), "{path}: {answer:?}");
        }
        // It may do what its client may.
        let made = program.send(&world, ask("POST", "/scim/Users").json(&json!({})));
        assert_eq!(made.await.status, 403);
        let program = Program::speaking(&[version], Some(&shop));
        // Nobody has the name: whoever asks is known, and may.
        let answer = program.send(&world, sp_user()).await;
        assert_eq!(answer.status, 404, "{answer:?}");
        let answer = program.send(&world, invitation()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test]
async fn other_certificates_are_told_that_they_are_not_taken() {
    let authority = Authority::new("trusted");
    let other = Authority::new("trusted");
    let world = world(&authority).await;
    let good = (2025, 2030);
    for (what, shown, why) in [
        ("none", None, "authenticate with HTTP Basic"),
        (
            "unknown authority",
            Some(other.certificate("system", good)),
            "nobody who is trusted here vouches",
        ),
        (
            "a certificate of servers",
            Some(authority.certificate_for("system", good, ExtendedKeyUsagePurpose::ServerAuth)),
            "nobody who is trusted here vouches",
        ),
        (
            "expired",
            Some(authority.certificate("system", (2020, 2026))),
            "not valid now",
        ),
        (
            "not valid yet",
            Some(authority.certificate("system", (2027, 2030))),
            "not valid now",
        ),
        (
            "wrong subject",
            Some(authority.certificate("System", good)),
            "that of no client",
        ),
    ] {
        let program = Program::new(shown.as_ref());
        let answer = program.send(&world, users()).await;
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/scim+json");
        assert_eq!(answer.json()["status"], "401");
        for ask in [sp_user(), invitation()] {
            let answer = program.send(&world, ask).await;
            assert_eq!((answer.status, answer.body.len()), (401, 0), "{what}");
            assert!(answer.header("www-authenticate").starts_with("Basic"));
        }
        let answer = program.send(&world, ask("GET", "/scim/v2/Users")).await;
        answer.scim_error_of(401, what);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(why), "{what}: {detail}");
        // Who proves itself otherwise is served all the same.
        let answer = program.send(&world, users().by("reader")).await;
        assert_eq!(answer.status, 200, "{what}: {answer:?}");
    }
    // What is shown besides counts, right or wrong.
    let program = Program::new(Some(&authority.certificate("system", good)));
    let answer = program.send(&world, users().by("unknown")).await;
    assert_eq!(answer.status, 401, "{answer:?}");
}

#[tokio::test]
async fn a_certificate_serves_one_kind_of_caller() {
    let authority = Authority::new("trusted");
    let world = world(&authority).await;
    let of = |name| Program::new(Some(&authority.certificate(name, (2025, 2030))));
    // Known, and not allowed.
    let answer = of("shop").send(&world, users()).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    for ask in [sp_user(), invitation()] {
        assert_eq!(of("system").send(&world, ask).await.status, 403);
    }
    // Nor can it be bound to the other kind.
    for (id, name) in [("shop", "system"), ("system", "shop"), ("both", "both")] {
        let answer = bind(&world, id, json!({ "subject": subject(name) })).await;
        assert_eq!(answer.status, 409, "{answer:?}");
    }
    assert_eq!(of("both").send(&world, users()).await.status, 401);
    assert_eq!(of("system").send(&world, users()).await.status, 200);
}

#[tokio::test]
async fn a_certificate_belongs_to_a_tenant_and_ends_by_its_clock() {
    let authority = Authority::new("trusted");
    let world = world(&authority).await;
    let shown = authority.certificate("system", (2025, 2027));
    let program = Program::new(Some(&shown));
    let elsewhere = users().header("Host", "other.example.com");
    assert_eq!(program.send(&world, elsewhere).await.status, 401);

    let mut kept = program.connect(&world).await;
    let mut asked = async || {
        let bytes = users().header("Connection", "keep-alive").bytes();
        kept.write_all(&bytes).await.unwrap();
        let mut answer = vec![0; 64 * 1024];
        let read = kept.read(&mut answer).await.unwrap();
        Answer::parse(&answer[..read]).status
    };
    assert_eq!(asked().await, 200);
    let body = json!({ "advance_ms": 365 * DAY_MS }).to_string();
    let clock = administered(&world, ask("PUT", "/civitas/v1/clock").body(body)).await;
    assert_eq!(clock.status, 200, "{clock:?}");
    assert_eq!(asked().await, 401);
}

#[tokio::test]
async fn a_token_is_issued_for_a_certificate_and_the_clients_name() {
    let authority = Authority::new("trusted");
    let world = world(&authority).await;
    let program = Program::new(Some(&authority.certificate("system", (2025, 2030))));
    let form = "grant_type=client_credentials";
    for (path, more, status) in [
        ("/oauth2/token", "&client_id=system", 200),
        ("/oauth2/v1/token", "&client_id=system", 200),
        ("/oauth2/token", "&client_id=reader", 401),
        ("/oauth2/token", "", 401),
    ] {
        let ask = ask("POST", path).form(&format!("{form}{more}"));
        let answer = program.send(&world, ask).await;
        assert_eq!(answer.status, status, "{path} {more}: {answer:?}");
        if status == 200 {
            let token = answer.json()["access_token"].as_str().unwrap().to_owned();
            let answer = Program::new(None)
                .send(&world, users().bearer(&token))
                .await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn certificates_are_bound_listed_and_taken_away() {
    let authority = Authority::new("trusted");
    let world = world(&authority).await;
    let path = "/civitas/v1/clients/system/certificates";
    let shown = authority.certificate("second", (2025, 2030));
    let bound = bind(
        &world,
        "system",
        json!({ "certificate": pem(&shown.certificate) }),
    )
    .await;
    assert_eq!(bound.status, 201, "{bound:?}");
    let written = |name: &str| format!("CN={name},O=Acme\\, S\\C3\\B6hne,C=DE");
    assert_eq!(bound.json(), json!({ "subject": written("second") }));
    let listed = administered(&world, ask("GET", path)).await;
    let all = [written("second"), written("system")].map(|it| json!({ "subject": it }));
    assert_eq!(listed.json(), json!({ "certificates": all }));
    let program = Program::new(Some(&shown));
    assert_eq!(program.send(&world, users()).await.status, 200);

    let query = "?subject=CN%3Dsecond%2C+O%3DAcme%5C%2C+S%C3%B6hne%2CC%3DDE";
    let taken = administered(&world, ask("DELETE", &format!("{path}{query}"))).await;
    assert_eq!(taken.status, 204, "{taken:?}");
    assert_eq!(program.send(&world, users()).await.status, 401);
    let again = administered(&world, ask("DELETE", &format!("{path}{query}"))).await;
    assert_eq!(again.status, 404, "{again:?}");

    for (body, status) in [
        (json!({}), 400),
        (json!({ "subject": "system" }), 400),
        (json!({ "subject": 1 }), 400),
        (json!({ "certificate": "-----BEGIN" }), 400),
        (json!({ "subject": "CN=a", "certificate": "b" }), 400),
    ] {
        let answer = bind(&world, "system", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    let nobody = bind(&world, "nobody-of-that-name", json!({ "subject": "CN=a" })).await;
    assert_eq!(nobody.status, 404, "{nobody:?}");
    let missing = administered(&world, ask("DELETE", path)).await;
    assert_eq!(missing.status, 400, "{missing:?}");
    // One is bound: 79 more have room.
    for number in 0..79 {
        let answer = bind(&world, "shop", json!({ "subject": format!("CN={number}") })).await;
        assert_eq!(answer.status, 201, "{number}: {answer:?}");
    }
    let answer = bind(&world, "shop", json!({ "subject": "CN=one too many" })).await;
    assert_eq!(answer.status, 400, "{answer:?}");
}

#[tokio::test]
async fn who_vouches_for_clients_must_be_certificates() {
    let told = |authorities: &[u8]| {
        let chain = include_bytes!("tls/receiver.pem");
        let key = include_bytes!("tls/receiver.key");
        match civitas_http::Tls::from_pem(chain, key, Some(authorities)) {
            Err(civitas_http::Unusable::Authorities(why)) => why,
            _ => "taken".to_owned(),
        }
    };
    assert_eq!(told(Authority::new("a").pem.as_bytes()), "taken");
    for (text, why) in [
        (&b""[..], "there is no certificate in it"),
        (b"-----BEGIN CERTIFICATE-----\n!\n", "not PEM"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "invalid",
        ),
    ] {
        let told = told(text);
        assert!(told.contains(why), "{told}");
    }
}
