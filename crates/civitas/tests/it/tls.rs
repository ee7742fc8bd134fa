//! HTTPS as the program serves it.

use std::{path::Path, process::Command};

use serde_json::json;

use crate::server::{SECRET, Server, USER, civitas, run};

#[test]
fn development_mode_makes_its_own_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_https(folder.path());
    let certificate = server.data.join("development-certificate.pem");
    let body = json!({ "schemas": [USER], "userName": "ada" });
    let created = server.client().send("POST", "/scim/v2/Users", Some(&body));
    assert_eq!(created.status, 201, "{}", created.text);
    let here = format!("https://{}/scim/v2/Users/", server.address);
    assert!(created.header("location").starts_with(&here));
    // Whoever does not trust the certificate does not speak with the server.
    let url = format!("https://{}/health/live", server.address);
    assert!(ureq::get(&url).call().is_err());
    // Commands find the way.
    let data = server.data.to_str().unwrap().to_owned();
    let clock = run(&["clock", "--data", &data]);
    let complaint = String::from_utf8_lossy(&clock.stderr);
    assert!(clock.status.success(), "{complaint}");
    let ready = std::fs::read_to_string(server.data.join("ready.json")).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let told = Path::new(ready["certificate"].as_str().unwrap());
    assert_eq!(
        told.canonicalize().unwrap(),
        certificate.canonicalize().unwrap()
    );
    // The next server shows the same one.
    let before = std::fs::read(&certificate).unwrap();
    drop(server);
    let server = Server::start_https(folder.path());
    assert_eq!(std::fs::read(&certificate).unwrap(), before);
    assert_eq!(server.client().status("GET", "/health/live"), Some(200));
}

#[cfg(unix)]
#[test]
fn the_key_of_development_mode_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_https(folder.path());
    let key = server.data.join("development-key.pem").metadata().unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
}

#[test]
fn production_serves_the_certificate_of_its_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, _] = pair(folder.path(), "server");
    let file = folder.path().join("civitas.toml");
    let text = "[tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n";
    std::fs::write(&file, text).unwrap();
    let data = folder.path().join("data");
    let checked = run(&["check", "--config", file.to_str().unwrap()]);
    let told = String::from_utf8(checked.stdout).unwrap();
    assert!(told.contains("(HTTPS)"), "{told}");
    // Where it looks for the certificate that a server shows.
    std::fs::create_dir(&data).unwrap();
    std::fs::copy(certificate, data.join("development-certificate.pem")).unwrap();
    let server = Server::start_configured(&file, data);
    let client = server.client().with_authorization(SECRET);
    assert_eq!(client.status("GET", "/health/live"), Some(200));
}

#[test]
fn what_is_wrong_with_a_certificate_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    pair(folder.path(), "one");
    pair(folder.path(), "other");
    std::fs::write(at("empty.pem"), "").unwrap();
    std::fs::create_dir(at("folder.pem")).unwrap();
    for (tls, expected) in [
        (
            "certificate = \"none.pem\"\nkey = \"one.key\"",
            "tls.certificate = \".../none.pem\": cannot read it",
        ),
        (
            "certificate = \"folder.pem\"\nkey = \"one.key\"",
            "tls.certificate = \".../folder.pem\": cannot read it",
        ),
        (
            "certificate = \"empty.pem\"\nkey = \"one.key\"",
            "tls.certificate = \".../empty.pem\": there is no certificate",
        ),
        (
            "certificate = \"one.pem\"\nkey = \"none.key\"",
            "tls.key = \".../none.key\": cannot read it",
        ),
        (
            "certificate = \"one.pem\"\nkey = \"one.pem\"",
            "tls.key = \".../one.pem\": there is no private key",
        ),
        (
            "certificate = \"one.pem\"\nkey = \"other.key\"",
            "tls.key = \".../other.key\": it is not the key of the certificate",
        ),
        (
            "certificate = \"one.pem\"\nkey = \"one.key\"\nclient_authorities = \"empty.pem\"",
            "tls.client_authorities = \".../empty.pem\": there is no certificate",
        ),
        (
            "certificate = \"one.pem\"\nkey = \"one.key\"\nclient_authorities = \"none.pem\"",
            "tls.client_authorities = \".../none.pem\": cannot read it",
        ),
        ("certificate = \"one.pem\"", "missing field `key`"),
        ("certificat = \"one.pem\"", "unknown field `certificat`"),
    ] {
        let file = at("civitas.toml");
        std::fs::write(&file, format!("[tls]\n{tls}\n")).unwrap();
        for command in ["check", "serve"] {
            let refused = civitas()
                .args([command, "--config"])
                .arg(&file)
                .output()
                .unwrap();
            assert_eq!(refused.status.code(), Some(2), "{tls}");
            let told = String::from_utf8(refused.stderr).unwrap();
            let expected = expected.replace("...", folder.path().to_str().unwrap());
            assert!(told.contains(&expected), "{told}, not {expected}");
        }
    }
}

/// Certificates as OpenSSL makes them, bound at the command line.
#[test]
fn a_client_is_known_by_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let [authority, _] = vouched(folder.path(), "authority", "/CN=authority", None);
    let subject = "/C=DE/O=Acme, Inc./CN=hr";
    let by = Some("authority");
    let [mine, my_key] = vouched(folder.path(), "mine", subject, by);
    let [other, other_key] = vouched(folder.path(), "other", "/C=DE/O=Acme, Inc./CN=it", by);
    let server = Server::start_asking(folder.path(), &authority);
    let data = server.data.to_str().unwrap();
    let said = |arguments: &[&str]| {
        let output = run(&[&["client"], arguments, &["--data", data]].concat());
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    };
    let name = "CN=hr,O=Acme\\, Inc.,C=DE";
    let made = said(&["create", "hr", "--certificate", mine.to_str().unwrap()]);
    assert!(made.contains(name) && !made.contains("secret"), "{made}");
    let root = server.data.join("development-certificate.pem");
    let url = format!("https://{}/scim/v2/Users", server.address);
    let status = |certificate: &Path, key: &Path| {
        let agent = showing(&root, certificate, key);
        agent.get(&url).call().unwrap().status().as_u16()
    };
    assert_eq!(status(&mine, &my_key), 200);
    assert_eq!(status(&other, &other_key), 401);

    // The second kind of caller cannot have it, and the next one can once it is free.
    said(&["create", "shop", "--application", "Shop"]);
    let add = ["certificate", "add", "shop", "--subject", name];
    let refused = run(&[&["client"], &add[..], &["--data", data]].concat());
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("bound to another client"), "{told}");
    said(&[
        "certificate",
        "add",
        "hr",
        "--certificate",
        other.to_str().unwrap(),
    ]);
    assert_eq!(said(&["certificate", "list", "hr"]).lines().count(), 2);
    said(&["certificate", "delete", "hr", "--subject", name]);
    said(&add);
    // It may be a second until the server knows.
    let begun = std::time::Instant::now();
    while status(&mine, &my_key) != 403 || status(&other, &other_key) != 200 {
        assert!(begun.elapsed().as_secs() < 20, "not known in time");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    // What is no authority is told before anything listens.
    std::fs::write(at("empty.pem"), "").unwrap();
    let refused = run(&[
        "serve",
        "--dev",
        "--https",
        "--data",
        at("none").to_str().unwrap(),
        "--client-authorities",
        at("empty.pem").to_str().unwrap(),
    ]);
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("--client-authorities"), "{told}");
}

/// A client that shows a certificate to a server that it trusts.
fn showing(root: &Path, certificate: &Path, key: &Path) -> ureq::Agent {
    let read = |file: &Path| std::fs::read(file).unwrap();
    let root = ureq::tls::Certificate::from_pem(&read(root)).unwrap();
    let certificate = ureq::tls::Certificate::from_pem(&read(certificate)).unwrap();
    let key = ureq::tls::PrivateKey::from_pem(&read(key)).unwrap();
    let tls = ureq::tls::TlsConfig::builder()
        .root_certs(ureq::tls::RootCerts::new_with_certs(&[root]))
        .client_cert(Some(ureq::tls::ClientCert::new_with_certs(
            &[certificate],
            key,
        )))
        .build();
    let config = ureq::Agent::config_builder();
    let config = config.http_status_as_error(false).tls_config(tls);
    config.build().new_agent()
}

/// A certificate and its key: of an authority, or of a client that one vouches for.
fn vouched(folder: &Path, name: &str, subject: &str, by: Option<&str>) -> [std::path::PathBuf; 2] {
    let file = |name: &str, kind: &str| folder.join(format!("{name}.{kind}"));
    let [certificate, key] = ["pem", "key"].map(|kind| file(name, kind));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt"]);
    openssl.args(["ec_paramgen_curve:P-256", "-nodes", "-subj", subject]);
    match by {
        None => openssl.args(["-addext", "basicConstraints=critical,CA:TRUE"]),
        Some(by) => openssl
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-CA"])
            .arg(file(by, "pem"))
            .arg("-CAkey")
            .arg(file(by, "key")),
    };
    openssl
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    let made = openssl.output().unwrap();
    let told = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{told}");
    [certificate, key]
}

/// A certificate for this machine and its key.
fn pair(folder: &Path, name: &str) -> [std::path::PathBuf; 2] {
    let files = ["pem", "key"].map(|it| folder.join(format!("{name}.{it}")));
    let [certificate, key] = &files;
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args([
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .args([
            "-addext",
            "subjectAltName=IP:127.0.0.1,DNS:localhost",
            "-keyout",
        ])
        .arg(key)
        .arg("-out")
        .arg(certificate)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    files
}
