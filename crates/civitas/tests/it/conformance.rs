//! The judge finds nothing to complain about.

use civitas_conformance::{Account, Credential, Role, Select, Target, run};

use crate::server::{Client, SECRET, Server, run as civitas};

#[test]
fn the_judge_passes_every_case() {
    let server = Server::start();
    let target = Target {
        base: format!("http://{}/scim/v2", server.address),
        credential: Credential::Basic("admin".into(), SECRET.into()),
        accounts: vec![(Role::Read, Account::bearer(read_token(&server)))],
        patience: std::time::Duration::from_secs(3),
        examines: None,
    };
    let report = run(
        &target,
        &Select {
            prefixes: Vec::new(),
        },
    );
    assert_eq!(report.failed(), 0, "{report}");
    assert!(report.passed() > 300, "{report}");
}

fn read_token(server: &Server) -> String {
    let data = server.data.to_str().unwrap();
    let created = civitas(&[
        "client", "create", "reader", "--role", "read", "--data", data,
    ]);
    let said = String::from_utf8(created.stdout).unwrap();
    let secret = said
        .lines()
        .find_map(|line| line.strip_prefix("secret (shown once): "))
        .unwrap();
    let reader = Client::new(server.address, &format!("reader:{secret}"));
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let grant = Some(&b"grant_type=client_credentials"[..]);
    let token = reader
        .try_send("POST", "/oauth2/v1/token", &form, grant)
        .unwrap()
        .body();
    token["access_token"].as_str().unwrap().to_owned()
}
