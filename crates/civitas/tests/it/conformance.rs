//! The judge finds nothing to complain about.

use std::{path::Path, time::Duration};

use civitas_conformance::{Account, Credential, Role, Select, Standing, Suite, Target, judge};

use civitas_http::outcomes::Dialect;

use crate::server::{Client, Server, run as civitas};

/// Few and short enough to be met by a case.
const LIMITS: &str = "[limits]\nmax_results = 10\ndefault_results = 10\nmax_examined = 100\n\
    cursor_seconds = 3\n";
const EXAMINED: u32 = 100;
const PATIENCE: Duration = Duration::from_secs(3);

/// The name that leads to the tenant that is judged.
const HOST: &str = "127.0.0.1";

#[test]
fn the_judge_passes_every_case() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("civitas.toml");
    std::fs::write(&file, LIMITS).unwrap();
    let registry = Registry { data: &data };

    registry.tenant("judged", HOST);
    let admin = registry.client("judged", &["--role", "administer"]);
    let reader = registry.client("judged", &["--role", "read"]);
    let entra = registry.client("judged", &["--role", "write", "--profile", "entra"]);
    let mut accounts = vec![(Role::Entra, account(&entra, HOST))];
    for (role, name, settings) in [
        (Role::Other, "other", ""),
        (Role::Guarded, "guarded", "require_preconditions=true"),
        (Role::Limited, "limited", "requests_per_second=2"),
        (Role::Maintained, "maintained", "maintenance=5"),
    ] {
        let host = format!("{name}.example");
        registry.tenant(name, &host);
        if !settings.is_empty() {
            registry.said(&["tenant", "set", name, settings]);
        }
        let client = registry.client(name, &["--role", "write"]);
        accounts.push((role, account(&client, &host)));
    }

    let server = Server::start_configured(&file, data.clone());
    accounts.push((Role::Read, Account::bearer(token(&server, &reader))));
    let me = token_of_a_user(&server, &admin);
    accounts.push((Role::User, Account::bearer(me)));
    let polls = poll_url(&server, &admin);
    let target = Target {
        base: format!("http://{}/scim/v2", server.address),
        credential: Credential::Bearer(token(&server, &admin)),
        accounts,
        patience: PATIENCE,
        examines: Some(EXAMINED),
        polls: Some(polls),
    };
    let report = judge(Suite::Scim, &target, &Select::default());
    assert_eq!(report.failed(), 0, "{report}");
    crate::parity::check(Dialect::Scim, "/scim/v2", &report.record());
    let host = Target {
        base: format!("http://{}", server.address),
        ..target
    };
    let crest = judge(Suite::Crest, &host, &Select::default());
    assert_eq!((crest.failed(), crest.skipped()), (0, 0), "{crest}");
    crate::parity::check(Dialect::Crest, "", &crest.record());
    assert!(report.tally().count(Standing::Passed) > 600, "{report}");
}

/// The tenants and clients of a data folder that no server has opened yet.
struct Registry<'d> {
    data: &'d Path,
}

impl Registry<'_> {
    fn said(&self, arguments: &[&str]) -> String {
        let data = ["--data", self.data.to_str().unwrap()];
        let output = civitas(&[arguments, &data].concat());
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn tenant(&self, name: &str, host: &str) {
        self.said(&["tenant", "create", name, "--host", host]);
    }

    /// Id and secret of a new client, separated by a colon.
    fn client(&self, tenant: &str, more: &[&str]) -> String {
        let id = more.concat().replace("--", "");
        let create = ["client", "create", &id, "--tenant", tenant];
        let said = self.said(&[&create[..], more].concat());
        let mut lines = said.lines();
        let secret = lines.find_map(|line| line.strip_prefix("secret (shown once): "));
        format!("{id}:{}", secret.unwrap())
    }
}

fn account(client: &str, host: &str) -> Account {
    let (id, secret) = client.split_once(':').unwrap();
    Account {
        credential: Credential::Basic(id.to_owned(), secret.to_owned()),
        host: Some(host.to_owned()),
    }
}

/// Where the client polls for events.
fn poll_url(server: &Server, client: &str) -> String {
    let id = client.split_once(':').unwrap().0;
    let delivery = serde_json::json!({ "method": "urn:ietf:rfc:8936" });
    let asked = serde_json::json!({ "client_id": id, "delivery": delivery });
    let json = [("Content-Type", "application/json")];
    let path = "/civitas/v1/streams";
    let created = Client::new(server.address, client)
        .try_send("POST", path, &json, Some(asked.to_string().as_bytes()))
        .unwrap();
    assert_eq!(created.status, 201, "{}", created.text);
    let created = created.body();
    created["delivery"]["endpoint_url"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn token(server: &Server, client: &str) -> String {
    granted(server, client, "grant_type=client_credentials")
}

/// A token of a new user, for which the client vouches.
fn token_of_a_user(server: &Server, client: &str) -> String {
    let id = Client::new(server.address, client).user("me");
    let grant = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={id}\
         &subject_token_type=urn:ietf:params:scim:schemas:core:2.0:User:id"
    );
    granted(server, client, &grant)
}

fn granted(server: &Server, client: &str, grant: &str) -> String {
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = Client::new(server.address, client)
        .try_send("POST", "/oauth2/v1/token", &form, Some(grant.as_bytes()))
        .unwrap();
    answer.body()["access_token"].as_str().unwrap().to_owned()
}
