//! The running server as its client sees it: a token, and the ids of users.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use tokio::task::JoinSet;

use super::{
    http::{Connection, percent_encoded, write_request},
    users::Person,
};

/// Client id that the server is told at its start.
pub(super) const CLIENT_ID: &str = "admin";
/// Client secret that the server is told at its start.
pub(super) const CLIENT_SECRET: &str = "bench-only-loopback-secret";
/// Schema of a PATCH body (RFC 7644 §3.5.2).
pub(super) const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Most users of one run that are read and changed, spread over all of them: the members of the
/// largest group, and some more.
const MAX_TARGETS: usize = 101_000;
/// Connections that look up the ids of the targets.
const LOOKUP_CONNECTIONS: usize = 16;
/// How long all those look-ups may take.
const LOOKUP_LIMIT: Duration = Duration::from_mins(5);

/// A user that exists.
#[derive(Clone)]
pub(super) struct Target {
    pub index: u64,
    pub id: String,
}

/// One caller of one server.
#[derive(Clone)]
pub(super) struct Site {
    pub address: SocketAddr,
    pub token: Arc<str>,
}

impl Site {
    /// Fetches a token by client credentials (RFC 6749 §4.4).
    pub(super) async fn sign_in(address: SocketAddr) -> anyhow::Result<Self> {
        let basic = STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
        let body = "grant_type=client_credentials";
        let length = body.len();
        let request = format!(
            "POST /oauth2/v1/token HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Basic {basic}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let (status, body) = Connection::open(address)
            .await?
            .fetch(request.as_bytes())
            .await?;
        ensure!(
            status == 200,
            "no token: status {status}: {}",
            String::from_utf8_lossy(&body)
        );
        let answer: Value = serde_json::from_slice(&body).context("token answer")?;
        let token = answer["access_token"].as_str().context("no access_token")?;
        Ok(Self {
            address,
            token: token.into(),
        })
    }

    /// One request on a connection of its own; any 2xx is good.
    pub(super) async fn call(
        &self,
        method: &str,
        target: &str,
        body: &[u8],
    ) -> anyhow::Result<Vec<u8>> {
        let mut connection = Connection::open(self.address).await?;
        self.call_on(&mut connection, method, target, body).await
    }

    pub(super) async fn call_on(
        &self,
        connection: &mut Connection,
        method: &str,
        target: &str,
        body: &[u8],
    ) -> anyhow::Result<Vec<u8>> {
        let mut request = Vec::new();
        write_request(&mut request, method, target, &self.token, body);
        let (status, body) = connection.fetch(&request).await?;
        if !(200..300).contains(&status) {
            bail!(
                "{method} {target}: status {status}: {}",
                String::from_utf8_lossy(&body)
            );
        }
        Ok(body)
    }

    /// Commits that the server's store has made, `None` where it does not tell.
    pub(super) async fn commits(&self) -> Option<f64> {
        let text = self.call("GET", "/metrics", b"").await.ok()?;
        counter(
            &String::from_utf8_lossy(&text),
            "civitas_store_commits_total",
        )
    }

    /// Looks up the ids of at most [`MAX_TARGETS`] of the first `users` people.
    pub(super) async fn targets(&self, users: u64) -> anyhow::Result<Vec<Target>> {
        let count = MAX_TARGETS.min(users as usize);
        let mut tasks = JoinSet::new();
        for first in 0..LOOKUP_CONNECTIONS {
            let site = self.clone();
            tasks.spawn(async move {
                let mut connection = Connection::open(site.address).await?;
                let mut found = Vec::new();
                for position in (first..count).step_by(LOOKUP_CONNECTIONS) {
                    let index = position as u64 * users / count as u64;
                    found.push(site.target(&mut connection, index).await?);
                }
                anyhow::Ok(found)
            });
        }
        let all = async {
            let mut targets = Vec::with_capacity(count);
            while let Some(found) = tasks.join_next().await {
                targets.extend(found??);
            }
            anyhow::Ok(targets)
        };
        let looked_up = tokio::time::timeout(LOOKUP_LIMIT, all).await;
        let mut targets = looked_up.context("the ids of the users stay out")??;
        targets.sort_by_key(|target| target.index);
        Ok(targets)
    }

    async fn target(&self, connection: &mut Connection, index: u64) -> anyhow::Result<Target> {
        let filter = format!("userName eq \"{}\"", Person::at(index).user_name());
        let path = format!(
            "/scim/v2/Users?attributes=id&filter={}",
            percent_encoded(&filter)
        );
        let list: Value =
            serde_json::from_slice(&self.call_on(connection, "GET", &path, b"").await?)?;
        let id = list["Resources"][0]["id"].as_str();
        let id = id
            .with_context(|| format!("no user with {filter}: {list}"))?
            .to_owned();
        Ok(Target { index, id })
    }

    /// Creates a group with `members` and returns its id.
    pub(super) async fn group(&self, members: &[Target]) -> anyhow::Result<String> {
        /// Members that one PATCH adds.
        const CHUNK: usize = 1_000;
        let name = format!("Bench {}", members.len());
        let group = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": name,
        });
        let made = self
            .call("POST", "/scim/v2/Groups", group.to_string().as_bytes())
            .await?;
        let made: Value = serde_json::from_slice(&made)?;
        let id = made["id"]
            .as_str()
            .context("a group without an id")?
            .to_owned();
        let path = format!("/scim/v2/Groups/{id}");
        for chunk in members.chunks(CHUNK) {
            let values: Vec<Value> = chunk
                .iter()
                .map(|member| serde_json::json!({ "value": member.id }))
                .collect();
            let addition = serde_json::json!({
                "schemas": [PATCH_SCHEMA],
                "Operations": [{ "op": "add", "path": "members", "value": values }],
            });
            self.call("PATCH", &path, addition.to_string().as_bytes())
                .await?;
        }
        Ok(id)
    }
}

/// The sum of a counter over its labels, in the text format of Prometheus.
fn counter(text: &str, name: &str) -> Option<f64> {
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let rest = if rest.starts_with('{') {
            rest.rsplit_once('}')?.1
        } else {
            rest
        };
        rest.strip_prefix(' ')?
            .split_whitespace()
            .next()?
            .parse::<f64>()
            .ok()
    });
    values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_summed_over_labels() {
        let text = "# HELP c_total x\n# TYPE c_total counter\nc_total{store=\"a b\"} 3\n\
                    c_total{store=\"c\"} 4.5\nc_total_other 9\n";
        assert_eq!(counter(text, "c_total"), Some(7.5));
        assert_eq!(counter("c_total 12\n", "c_total"), Some(12.0));
        assert_eq!(counter(text, "d_total"), None);
    }
}
