//! A surface on a real socket, over a directory in memory, and the callers that use it.

use std::{fmt::Write as _, net::SocketAddr, sync::Arc, time::Duration};

use argon2::{Algorithm, Argon2, Params, Version, password_hash::PasswordHasher as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use civitas_directory::{
    Client, Directory, Error, Ids, Limits, NextKey, Role, Roles, Scope, Store, Tenant, Timestamp,
    admission::Patience,
    client::Secret,
    credential::CredentialChange,
    settings::{Change, Key},
};
use civitas_http::{App, HttpLimits, Settings, Tls, serve};
use civitas_scim::tolerance::{Kind, Profile};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use crate::faulty::Faulty;

/// The secret of every client.
pub(crate) const SECRET: &str = "a secret, with: signs";

/// The host name that leads to the tenant.
pub(crate) const HOST: &str = "id.example.com";

/// The instant of every request: 2026-01-02T03:04:05.678Z.
pub(crate) const NOW: Timestamp = Timestamp(1_767_323_045_678);

/// A running surface.
pub(crate) struct World {
    pub(crate) addr: SocketAddr,
    pub(crate) store: Arc<Faulty>,
    directory: Arc<Directory>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl World {
    /// With default limits.
    pub(crate) async fn start() -> Self {
        Self::with(HttpLimits::default(), Limits::default()).await
    }

    /// With limits.
    pub(crate) async fn with(http: HttpLimits, limits: Limits) -> Self {
        let mut settings = Settings::new(|| NOW);
        settings.limits = http;
        Self::set_up(settings, limits).await
    }

    /// In development mode.
    pub(crate) async fn staged() -> Self {
        let mut settings = Settings::new(|| NOW);
        settings.development = true;
        settings.ledger = 100;
        Self::set_up(settings, Limits::default()).await
    }

    /// Over TLS, with a certificate for `localhost` by the authority of `tls/authority.pem`.
    pub(crate) async fn over_tls(http: HttpLimits) -> Self {
        let mut settings = Settings::new(|| NOW);
        settings.limits = http;
        let chain = include_bytes!("tls/receiver.pem");
        let tls = Tls::from_pem(chain, include_bytes!("tls/receiver.key"), None);
        settings.tls = Some(tls.unwrap());
        Self::set_up(settings, Limits::default()).await
    }

    /// In development mode over TLS, asking clients for certificates by these authorities.
    pub(crate) async fn asking(authorities: &str) -> Self {
        let mut settings = Settings::new(|| NOW);
        settings.development = true;
        let chain = include_bytes!("tls/receiver.pem");
        let key = include_bytes!("tls/receiver.key");
        let tls = Tls::from_pem(chain, key, Some(authorities.as_bytes()));
        settings.tls = Some(tls.unwrap());
        Self::set_up(settings, Limits::default()).await
    }

    /// That sends writes to another server.
    pub(crate) async fn standby_of(origin: &str) -> Self {
        let mut settings = Settings::new(|| NOW);
        settings.standby_of = Some(origin.to_owned());
        Self::set_up(settings, Limits::default()).await
    }

    async fn set_up(settings: Settings, limits: Limits) -> Self {
        let store = Arc::new(Faulty::default());
        let tenant = store
            .create_tenant("default", &[HOST.to_owned()])
            .await
            .unwrap();
        // A second tenant, so that not every host name leads to the first.
        store
            .create_tenant("other", &["other.example.com".to_owned()])
            .await
            .unwrap();
        let secrets = vec![Secret::plain(hashed(SECRET))];
        for (id, role, enabled) in [
            ("admin", Some(Role::Administer), true),
            ("writer", Some(Role::Write), true),
            ("reader", Some(Role::Read), true),
            ("nobody", None, true),
            ("gone", Some(Role::Administer), false),
        ] {
            let client = Client {
                id: id.to_owned(),
                secrets: secrets.clone(),
                certificates: Vec::new(),
                roles: role.into_iter().collect::<Roles>(),
                enabled,
                profile: Profile::default(),
                account: None,
                application: None,
            };
            store.create_client(tenant.partition, client).await.unwrap();
        }
        for kind in Kind::ALL {
            let client = Client {
                id: kind.name().to_owned(),
                secrets: secrets.clone(),
                certificates: Vec::new(),
                roles: Roles::NONE.with(Role::Write),
                enabled: true,
                profile: Profile::of(kind),
                account: None,
                application: None,
            };
            store.create_client(tenant.partition, client).await.unwrap();
        }
        let directory = Directory::open(store.clone(), limits).await.unwrap();
        let directory = Arc::new(if settings.development {
            directory.with_mailbox()
        } else {
            directory
        });
        let app = App::new(Arc::clone(&directory), settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(serve(listener, app, async {
            let _ = stopped.await;
        }));
        Self {
            addr,
            store,
            directory,
            stop: Some(stop),
            served,
        }
    }

    /// Suspends the whole server, as its operator does. Call it before the first request:
    /// what is known of a tenant stays so for a second.
    pub(crate) async fn close_server(&self, retry_after: u32) {
        let closed = Change::new(Key::Maintenance, Some(retry_after.to_string()));
        let changes = [closed.unwrap()];
        self.store.change_settings(None, &changes).await.unwrap();
    }

    /// Forgets all events but the last ones.
    pub(crate) async fn forget_events(&self, kept: u64) {
        let long_ago = Timestamp(0);
        let forgotten = self.store.prune_events(long_ago, kept, 1_000).await;
        assert!(!forgotten.unwrap(), "that was all");
    }

    /// The tenant.
    pub(crate) async fn tenant(&self) -> Arc<Tenant> {
        self.directory.tenant(Some(HOST)).await.unwrap().unwrap()
    }

    /// Reads the tenant again that is asked for next.
    pub(crate) async fn forget(&self) {
        let stage = self.tenant().await.stage;
        let tenant = self.tenant().await;
        self.directory.set_stage(&tenant, stage).await.unwrap();
    }

    /// Changes what a user proves itself by, as its administrator does.
    pub(crate) async fn change_credential(&self, id: &str, change: &CredentialChange) {
        let scope = self.scope().await;
        let changed = self.directory.change_credential(&scope, id, change);
        changed.await.unwrap();
    }

    /// Gives a user a device that makes codes of a secret.
    pub(crate) async fn enrol(&self, id: &str, secret: &[u8]) {
        let device = self.directory.device(&self.scope().await, id, secret);
        let change = CredentialChange::Totp(Some(device.unwrap()));
        self.change_credential(id, &change).await;
    }

    async fn scope(&self) -> Scope {
        let tenant = self.tenant().await;
        Scope {
            partition: tenant.partition,
            catalogue: Arc::clone(&tenant.catalogue),
            require_preconditions: false,
            password_policy: None,
            actor: "test".to_owned(),
            request_id: "test".to_owned(),
            now: tenant.stage.clock.at(NOW),
            ids: Ids::Random,
            base: String::new(),
            patience: Patience::Long,
        }
    }

    /// Has another key sign event tokens.
    pub(crate) async fn rotate_key(&self, at_once: bool) -> Result<NextKey, Error> {
        let tenant = self.directory.tenant(Some(HOST)).await?.unwrap();
        let now = tenant.stage.clock.at(NOW);
        let rotated = self.directory.rotate_event_key(&tenant, at_once, now);
        rotated.await
    }

    /// Asks the server to stop, and waits until it has.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        let stopped = timeout(Duration::from_secs(5), self.served).await;
        stopped.expect("stops in time").unwrap().unwrap();
    }

    /// Sends a request on a connection of its own and reads the answer.
    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        self.raw(&ask.bytes()).await
    }

    /// Sends bytes and reads the answer to the end of the connection.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        // A server that refuses early may stop reading.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let read = timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
        read.expect("answered in time").unwrap();
        Answer::parse(&answer)
    }

    /// An access token of a client.
    pub(crate) async fn token(&self, client: &str, scope: &str) -> String {
        let form = format!("grant_type=client_credentials&scope={scope}");
        let ask = ask("POST", "/oauth2/v1/token").form(&form).header(
            "Authorization",
            &basic(client, "a%20secret%2C+with%3A%20signs"),
        );
        let answer = self.send(ask).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Creates a user and returns its representation.
    pub(crate) async fn user(&self, name: &str) -> Value {
        let body = serde_json::json!({ "schemas": [USER], "userName": name });
        let answer = self
            .send(ask("POST", "/scim/v2/Users").by("admin").json(&body))
            .await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }
}

/// The schema of users.
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of groups.
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The schema of PATCH messages.
pub(crate) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The schema of search messages.
pub(crate) const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// The schema of errors.
pub(crate) const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A PHC string that is cheap to verify.
pub(crate) fn hashed(secret: &str) -> String {
    let params = Params::new(8, 1, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password(secret.as_bytes()).unwrap().to_string()
}

/// The value of `Authorization` for a client.
pub(crate) fn basic(client: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client}:{secret}")))
}

/// A request.
#[derive(Clone)]
pub(crate) struct Ask {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// A request with method and target, and nobody's credentials.
pub(crate) fn ask(method: &str, target: &str) -> Ask {
    Ask {
        method: method.into(),
        target: target.into(),
        headers: vec![],
        body: None,
    }
}

impl Ask {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With the credentials of a client.
    pub(crate) fn by(self, client: &str) -> Self {
        self.header("Authorization", &basic(client, SECRET))
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/scim+json")
            .body(body.to_string())
    }

    pub(crate) fn form(self, body: &str) -> Self {
        self.header("Content-Type", "application/x-www-form-urlencoded")
            .body(body)
    }

    /// Without a header field.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(given, _)| given != name);
        self
    }

    /// With another body, where there is one.
    pub(crate) fn rebody(mut self, body: impl Into<Vec<u8>>) -> Self {
        if self.body.is_some() {
            self.body = Some(body.into());
        }
        self
    }

    /// The target without its query.
    pub(crate) fn path(&self) -> String {
        self.target.split('?').next().unwrap_or_default().to_owned()
    }

    /// With another method.
    pub(crate) fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    /// With a part of the target replaced.
    pub(crate) fn retarget(mut self, part: &str, with: &str) -> Self {
        self.target = self.target.replace(part, with);
        self
    }

    /// Method and target.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// With a segment of the path replaced by an id.
    pub(crate) fn at_id(mut self, segment: &str, id: &str) -> Self {
        self.target = self
            .target
            .replace(&format!("/{segment}"), &format!("/{id}"));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The request as sent; the connection closes after it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        for (name, value) in [("Host", HOST), ("Connection", "close")] {
            if !self.headers.iter().any(|(given, _)| given == name) {
                write!(head, "{name}: {value}\r\n").unwrap();
            }
        }
        if let Some(body) = &self.body {
            write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap()[9..12].parse().unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Self {
            status,
            headers,
            body: bytes[end + 4..].to_vec(),
        }
    }

    /// The header fields, names in lower case.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.headers.iter();
        fields.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The values of a header field, joined; empty when it is missing.
    pub(crate) fn header(&self, name: &str) -> String {
        let named = self
            .headers
            .iter()
            .filter(|(given, _)| given.eq_ignore_ascii_case(name));
        named
            .map(|(_, value)| value.as_str())
            .collect::<Vec<_>>()
            .join(" | ")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// Checks that this is a SCIM error of the status, and returns its `scimType`.
    pub(crate) fn scim_error(&self, status: u16) -> String {
        self.scim_error_of(status, "")
    }

    /// The same; what was asked is told when it is not.
    pub(crate) fn scim_error_of(&self, status: u16, what: &str) -> String {
        assert_eq!(self.status, status, "{what}: {self:?}");
        let body = self.json();
        assert_eq!(body["schemas"], serde_json::json!([ERROR]), "{body}");
        assert_eq!(body["status"], status.to_string(), "{body}");
        assert!(
            body["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty()),
            "{body}"
        );
        assert!(self.header("content-type").ends_with("json"), "{self:?}");
        assert_eq!(self.header("cache-control"), "no-store");
        assert!(!self.header("x-request-id").is_empty());
        body["scimType"].as_str().unwrap_or_default().to_owned()
    }
}
