//! The dialogue of one case with the server: unique names, requests, and the
//! removal of everything the case created.

use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use crate::account::{Role, Target};
use crate::exchange::{Exchange, Log};
use crate::urn;
use crate::verdict::{List, Unmet, Verdict, fail, same, skip, text};
use crate::wire::{Answer, Client, Credential, Request};

/// What a case works with. Resources it creates are deleted when it ends.
#[derive(Debug)]
pub struct Session {
    client: Client,
    target: Target,
    config: Value,
    tag: String,
    named: u32,
    created: Vec<(Client, String)>,
    log: Log,
}

impl Session {
    pub(crate) fn new(target: &Target, config: Value, tag: String) -> Self {
        let log = Log::default();
        let client = Client::new(&target.base, &target.credential, log.clone());
        Self {
            client,
            target: target.clone(),
            config,
            tag,
            named: 0,
            created: Vec::new(),
            log,
        }
    }

    /// Takes what was exchanged so far, in the order of the answers.
    pub(crate) fn take_exchanges(&self) -> Vec<Exchange> {
        self.log.take()
    }

    /// A word no other case and no other run uses.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// A fresh name that starts with `stem`.
    pub(crate) fn name(&mut self, stem: &str) -> String {
        self.named += 1;
        format!("{stem}-{}-{}", self.tag, self.named)
    }

    /// The usual credential, if it is a bearer token.
    pub(crate) fn token(&self) -> Option<String> {
        match &self.target.credential {
            Credential::Bearer(token) => Some(token.clone()),
            Credential::Basic(..) | Credential::None => None,
        }
    }

    /// The server's `ServiceProviderConfig`, `null` if it could not be read.
    pub(crate) fn config(&self) -> &Value {
        &self.config
    }

    /// Skips the case unless the server advertises the feature.
    pub(crate) fn needs(&self, feature: &str) -> Verdict {
        if self.config[feature]["supported"] == true {
            Ok(())
        } else {
            skip(format!("the server does not advertise {feature}"))
        }
    }

    /// Whether the server says that the method applies to the path (RFC 9110 §9.3.7).
    pub(crate) fn allows(&mut self, method: &str, path: &str) -> Result<bool, Unmet> {
        let answer = self.send(Request::new("OPTIONS", path))?;
        let allow = answer.header_list("allow");
        Ok(allow.split(',').any(|allowed| allowed.trim() == method))
    }

    /// Skips the case if it would have to wait longer than the run may.
    pub(crate) fn may_wait(&self, time: Duration) -> Verdict {
        if time <= self.target.patience {
            Ok(())
        } else {
            let seconds = time.as_secs();
            skip(format!("would wait {seconds} s (--patience {seconds})"))
        }
    }

    /// How many resources the server examines at most where no index answers.
    pub(crate) fn examines(&self) -> Result<u32, Unmet> {
        match self.target.examines {
            Some(most) => Ok(most),
            None => skip("needs a server that examines few resources (--examines N)"),
        }
    }

    /// The caller at the URL that it polls for event tokens.
    pub(crate) fn receiver(&self) -> Result<Client, Unmet> {
        match &self.target.polls {
            Some(url) => Ok(self.client.outside(url)),
            None => skip("needs a URL to poll for event tokens (--polls URL)"),
        }
    }

    /// A client for use from other threads; created resources must be [adopted](Self::adopt).
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Another caller, if the run was given one of that role.
    pub(crate) fn caller(&self, role: Role) -> Result<Client, Unmet> {
        match self
            .target
            .accounts
            .iter()
            .find(|(known, _)| *known == role)
        {
            Some((_, account)) => Ok(self.client.with(account)),
            None => skip(role.need()),
        }
    }

    /// The same caller with a secret that is not its own.
    pub(crate) fn mistaken(&self, role: Role) -> Result<Client, Unmet> {
        let mut accounts = self.target.accounts.iter();
        match accounts.find(|(known, _)| *known == role) {
            Some((_, account)) => Ok(self.client.with(&account.mistaken())),
            None => skip(role.need()),
        }
    }

    pub(crate) fn send(&mut self, request: Request) -> Result<Answer, Unmet> {
        let client = self.client.clone();
        self.send_as(&client, request)
    }

    /// Sends as another caller; what it creates it deletes at the end.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "requests are built where they are sent"
    )]
    pub(crate) fn send_as(&mut self, client: &Client, request: Request) -> Result<Answer, Unmet> {
        let answer = client.ask(&request)?;
        if answer.status == 201 && matches!(request.method(), "POST" | "PUT") {
            self.adopt(client, &answer, request.path());
        }
        Ok(answer)
    }

    /// Sends all at the same time, each over a connection of its own.
    pub(crate) fn at_once(&mut self, requests: &[Request]) -> Result<Vec<Answer>, Unmet> {
        let client = self.client.clone();
        let answers: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = requests
                .iter()
                .map(|request| scope.spawn(|| client.ask(request)))
                .collect();
            running.into_iter().map(ScopedJoinHandle::join).collect()
        });
        let mut received = Vec::new();
        for (answer, request) in answers.into_iter().zip(requests) {
            let Ok(answer) = answer else {
                return fail("an answer to each request", "none");
            };
            let answer = answer?;
            if answer.status == 201 && request.method() == "POST" {
                self.adopt(&client, &answer, request.path());
            }
            received.push(answer);
        }
        Ok(received)
    }

    /// Takes note of a created resource, so that it is deleted with the session.
    fn adopt(&mut self, client: &Client, answer: &Answer, path: &str) {
        let endpoint = path
            .split(['?', '/'])
            .find(|part| !part.is_empty())
            .unwrap_or_default();
        let id = match answer.json().map(|body| text(&body["id"])) {
            Some(id) if !id.is_empty() => id,
            _ => {
                let location = answer.header("location").unwrap_or_default();
                location.rsplit('/').next().unwrap_or_default().to_owned()
            }
        };
        if matches!(endpoint, "Users" | "Groups") && !id.is_empty() {
            self.created
                .push((client.clone(), format!("/{endpoint}/{id}")));
        }
    }

    /// Takes note of a created resource by its path.
    pub(crate) fn own(&mut self, path: &str) {
        self.created.push((self.client.clone(), path.to_owned()));
    }

    pub(crate) fn get(&mut self, path: impl Into<String>) -> Result<Answer, Unmet> {
        self.send(Request::get(path))
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Result<Answer, Unmet> {
        self.send(Request::post(path, body))
    }

    pub(crate) fn put(&mut self, path: &str, body: &Value) -> Result<Answer, Unmet> {
        self.send(Request::put(path, body))
    }

    /// A PATCH of the given operations.
    pub(crate) fn patch(&mut self, path: &str, operations: &Value) -> Result<Answer, Unmet> {
        self.send(Request::patch(path, &patch_op(operations)))
    }

    pub(crate) fn delete(&mut self, path: &str) -> Result<Answer, Unmet> {
        self.send(Request::new("DELETE", path))
    }

    /// The resource at `path`, which must exist.
    pub(crate) fn read(&mut self, path: &str) -> Result<Value, Unmet> {
        Ok(self.get(path)?.expect(200)?.object()?.clone())
    }

    /// Creates a resource and returns its full representation as later read.
    pub(crate) fn create(&mut self, endpoint: &str, body: &Value) -> Result<Value, Unmet> {
        let answer = self.post(endpoint, body)?.expect(201)?;
        let id = text(&answer.object()?["id"]);
        self.read(&format!("{endpoint}/{id}"))
    }

    /// Creates a user with nothing but a unique `userName`.
    pub(crate) fn user(&mut self, stem: &str) -> Result<Value, Unmet> {
        let body = self.new_user(stem);
        self.create("/Users", &body)
    }

    /// The smallest body a user can be created from.
    pub(crate) fn new_user(&mut self, stem: &str) -> Value {
        json!({ "schemas": [urn::USER], "userName": self.name(stem) })
    }

    /// Creates a group with these members.
    pub(crate) fn group(&mut self, stem: &str, members: &[&Value]) -> Result<Value, Unmet> {
        let body = self.new_group(stem, members);
        self.create("/Groups", &body)
    }

    /// A body to create a group from.
    pub(crate) fn new_group(&mut self, stem: &str, members: &[&Value]) -> Value {
        let members: Vec<_> = members
            .iter()
            .map(|one| json!({ "value": one["id"] }))
            .collect();
        json!({ "schemas": [urn::GROUP], "displayName": self.name(stem), "members": members })
    }

    /// The `id` of a user that existed and was deleted.
    pub(crate) fn deleted_id(&mut self) -> Result<String, Unmet> {
        let user = self.user("gone")?;
        self.delete(&path_of("/Users", &user))?.expect(204)?;
        Ok(text(&user["id"]))
    }

    /// Deletes what the case created; dependents first.
    pub(crate) fn clean(&mut self) {
        for (client, path) in std::mem::take(&mut self.created).into_iter().rev() {
            // A case may have deleted it already; 404 is then the right answer.
            let _gone = client.send(&Request::new("DELETE", path));
        }
    }
}

impl Client {
    /// Like [`Session::send`], for clients other than the usual one.
    pub(crate) fn ask(&self, request: &Request) -> Result<Answer, Unmet> {
        self.send(request)
            .or_else(|error| fail("an HTTP answer", format!("none: {error}")))
    }
}

/// A `PatchOp` message (RFC 7644 §3.5.2).
pub(crate) fn patch_op(operations: &Value) -> Value {
    json!({ "schemas": [urn::PATCH], "Operations": operations })
}

/// Where a resource lives, relative to the base URL.
pub(crate) fn path_of(endpoint: &str, resource: &Value) -> String {
    format!("{endpoint}/{}", resource["id"].as_str().unwrap_or_default())
}

/// The ids of a group's members, sorted.
pub(crate) fn member_ids(group: &Value) -> Vec<String> {
    let members = group["members"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut ids: Vec<_> = members
        .iter()
        .map(|member| text(&member["value"]))
        .collect();
    ids.sort();
    ids
}

/// Holds that a group has exactly these members.
pub(crate) fn has_members(group: &Value, members: &[&Value]) -> Verdict {
    let mut wanted: Vec<_> = members.iter().map(|member| text(&member["id"])).collect();
    wanted.sort();
    same("member ids", &json!(wanted), &json!(member_ids(group)))
}

/// Holds that a list has exactly these resources, in any order.
pub(crate) fn selects(list: &List<'_>, resources: &[&Value]) -> Verdict {
    let mut wanted: Vec<_> = resources
        .iter()
        .map(|resource| text(&resource["id"]))
        .collect();
    let mut got = list.ids();
    wanted.sort();
    got.sort();
    same("ids listed", &json!(wanted), &json!(got))?;
    same("totalResults", &json!(wanted.len()), &json!(list.total))
}
