//! The judge finds nothing to complain about.

use std::{net::SocketAddr, time::Duration};

use civitas_conformance::{
    Account, Credential, Report, Role, Select, Standing, Suite, Target, judge,
};
use civitas_http::outcomes::Dialect;
use civitas_store::cluster::Cluster;

use crate::{
    balancer::Balancer,
    server::{Client, Server, run as civitas},
};

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
    let judged = Judged::prepare(&["--data", data.to_str().unwrap()]);
    let server = Server::start_configured(&file, data.clone());
    let [scim, crest, oracle] = judged.judge(server.address);
    drop(server);
    // What is in mails is read in the mailbox of development.
    let server = Server::start_in(folder.path());
    let sap = judged.judge_services(server.address);
    crate::parity::check(Dialect::Scim, "/scim/v2", &scim.record());
    crate::parity::check(Dialect::Crest, "", &crest.record());
    crate::parity::check(Dialect::Oracle, "/admin/v1", &oracle.record());
    crate::parity::check(Dialect::Sap, "", &sap.record());
}

/// Each request goes to the other node than the one before.
#[test]
fn the_judge_passes_every_case_over_two_nodes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("civitas.toml");
    std::fs::write(&file, LIMITS).unwrap();
    let url = Cluster::shared().schema();
    let judged = Judged::prepare(&["--store", &url]);
    let nodes = [(); 2].map(|()| Server::start_node(&file, &url));
    let balancer = Balancer::over(&nodes.each_ref().map(|node| node.address));
    let [scim, ..] = judged.judge(balancer.address);
    drop(nodes);
    let nodes = [(); 2].map(|()| Server::node(&url));
    let others = Balancer::over(&nodes.each_ref().map(|node| node.address));
    judged.judge_services(others.address);
    let requests = balancer.relayed();
    let passed = scim.tally().count(Standing::Passed);
    assert!(
        requests > passed,
        "{requests} requests went from node to node"
    );
}

/// Tenants, clients and their accounts, in a store that no server has opened yet.
struct Judged {
    admin: String,
    reader: String,
    accounts: Vec<(Role, Account)>,
}

impl Judged {
    fn prepare(store: &[&str; 2]) -> Self {
        let registry = Registry { store };
        registry.tenant("judged", HOST);
        let admin = registry.client("judged", &["--role", "administer"]);
        let reader = registry.client("judged", &["--role", "read"]);
        let entra = registry.client("judged", &["--role", "write", "--profile", "entra"]);
        let mut accounts = vec![(Role::Entra, account(&entra, HOST))];
        for (role, more) in [
            (Role::Application, &["--application", "shop"][..]),
            (
                Role::Unscoped,
                &["--application", "viewer", "--scopes", "application,openid"],
            ),
            (Role::Locked, &["--application", "locked"]),
            (Role::Expired, &["--application", "late", "--expires", "1s"]),
        ] {
            let client = registry.client("judged", more);
            accounts.push((role, account(&client, HOST)));
        }
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
        for (role, name, settings) in [
            (Role::Strict, "strict", "password_policy=enterprise"),
            (Role::Reset, "reset", "password_policy=standard"),
        ] {
            let host = format!("{name}.example");
            registry.tenant(name, &host);
            registry.said(&["tenant", "set", name, settings]);
            let client = registry.client(name, &["--role", "administer"]);
            accounts.push((role, account(&client, &host)));
        }
        let shop = registry.client("strict", &["--application", "shop"]);
        accounts.push((Role::StrictApplication, account(&shop, "strict.example")));
        Self {
            admin,
            reader,
            accounts,
        }
    }

    /// A server with those who call it.
    fn target(&self, server: SocketAddr) -> Target {
        let mut accounts = self.accounts.clone();
        let admin = &self.admin;
        accounts.push((Role::Read, Account::bearer(token(server, &self.reader))));
        let me = token_of_a_user(server, admin);
        accounts.push((Role::User, Account::bearer(me)));
        Target {
            base: format!("http://{server}/scim/v2"),
            credential: Credential::Bearer(token(server, admin)),
            accounts,
            patience: PATIENCE,
            examines: Some(EXAMINED),
            polls: None,
        }
    }

    /// What the judge says of SAP Cloud Identity Services of a server.
    fn judge_services(&self, server: SocketAddr) -> Report {
        let host = Target {
            base: format!("http://{server}"),
            ..self.target(server)
        };
        let sap = judge(Suite::Sap, &host, &Select::default());
        assert_eq!((sap.failed(), sap.skipped()), (0, 0), "{sap}");
        sap
    }

    /// What the judge says of a server: of SCIM, of Common REST, and of identity domains.
    fn judge(&self, server: SocketAddr) -> [Report; 3] {
        let target = Target {
            polls: Some(poll_url(server, &self.admin)),
            ..self.target(server)
        };
        let scim = judge(Suite::Scim, &target, &Select::default());
        assert_eq!(scim.failed(), 0, "{scim}");
        let passed = scim.tally().count(Standing::Passed);
        assert!(passed > 600, "{scim}");
        let host = Target {
            base: format!("http://{server}"),
            ..target
        };
        let crest = judge(Suite::Crest, &host, &Select::default());
        assert_eq!((crest.failed(), crest.skipped()), (0, 0), "{crest}");
        let service = Target {
            base: format!("http://{server}/admin/v1"),
            ..host
        };
        let oracle = judge(Suite::Oracle, &service, &Select::default());
        assert_eq!((oracle.failed(), oracle.skipped()), (0, 0), "{oracle}");
        [scim, crest, oracle]
    }
}

/// Makes tenants and clients in a store.
struct Registry<'s> {
    store: &'s [&'s str; 2],
}

impl Registry<'_> {
    fn said(&self, arguments: &[&str]) -> String {
        let output = civitas(&[arguments, self.store].concat());
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
fn poll_url(server: SocketAddr, client: &str) -> String {
    let id = client.split_once(':').unwrap().0;
    let delivery = serde_json::json!({ "method": "urn:ietf:rfc:8936" });
    let asked = serde_json::json!({ "client_id": id, "delivery": delivery });
    let json = [("Content-Type", "application/json")];
    let path = "/civitas/v1/streams";
    let created = Client::new(server, client)
        .try_send("POST", path, &json, Some(asked.to_string().as_bytes()))
        .unwrap();
    assert_eq!(created.status, 201, "{}", created.text);
    let created = created.body();
    created["delivery"]["endpoint_url"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn token(server: SocketAddr, client: &str) -> String {
    granted(server, client, "grant_type=client_credentials")
}

/// A token of a new user, for which the client vouches.
fn token_of_a_user(server: SocketAddr, client: &str) -> String {
    // One for each server that is judged over the same data.
    let id = Client::new(server, client).user(&format!("me{}", server.port()));
    let grant = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={id}\
         &subject_token_type=urn:ietf:params:scim:schemas:core:2.0:User:id"
    );
    granted(server, client, &grant)
}

fn granted(server: SocketAddr, client: &str, grant: &str) -> String {
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = Client::new(server, client)
        .try_send("POST", "/oauth2/v1/token", &form, Some(grant.as_bytes()))
        .unwrap();
    answer.body()["access_token"].as_str().unwrap().to_owned()
}
