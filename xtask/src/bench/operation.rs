//! What is measured: each operation is a name, a number of connections and the
//! requests that these send.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::{
    http::{percent_encoded, write_request},
    load::Script,
    random::Random,
    site::{PATCH_SCHEMA, Site, Target},
    users::Person,
};

/// Resources that a list asks for.
const PAGE: u64 = 100;
/// Resources that one page of a walk asks for.
const WALK_PAGE: u64 = 1_000;
/// Users above which only a short set of changes is measured.
const SHORT_SET_ABOVE: u64 = 200_000;
/// Connections that change members, each of a user of its own.
const MEMBER_CONNECTIONS: usize = 16;

/// What one request does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    GetById,
    UserNameEq,
    ExternalIdEq,
    EmailsStart,
    EmailsPart,
    DisplayNamePart,
    ListFirst,
    ListDeep,
    /// Reads through all users by cursor, page after page.
    Walk,
    Create,
    PatchTitle,
    /// Adds and removes one member of a group of about that many.
    Member(usize),
}

/// One line of the report.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub name: String,
    pub kind: Kind,
    pub connections: usize,
}

impl Operation {
    fn new(name: impl Into<String>, kind: Kind, connections: usize) -> Self {
        Self {
            name: name.into(),
            kind,
            connections,
        }
    }
}

/// The operations that leave the directory as it is.
pub(super) fn reads() -> Vec<Operation> {
    vec![
        Operation::new("get-by-id", Kind::GetById, 8),
        Operation::new("username-eq", Kind::UserNameEq, 8),
        Operation::new("externalid-eq", Kind::ExternalIdEq, 8),
        Operation::new("emails-sw", Kind::EmailsStart, 2),
        Operation::new("emails-co", Kind::EmailsPart, 2),
        Operation::new("displayname-co", Kind::DisplayNamePart, 2),
        Operation::new("list-first", Kind::ListFirst, 2),
        Operation::new("list-deep", Kind::ListDeep, 2),
        Operation::new("walk-cursor", Kind::Walk, 2),
    ]
}

/// The operations that change a directory of `users`.
pub(super) fn writes(users: u64) -> Vec<Operation> {
    let short = users > SHORT_SET_ABOVE;
    let mut writes = Vec::new();
    for (name, kind) in [("create", Kind::Create), ("patch-title", Kind::PatchTitle)] {
        for connections in if short { &[32][..] } else { &[16, 32] } {
            writes.push(Operation::new(
                format!("{name}-{connections}"),
                kind,
                *connections,
            ));
        }
    }
    for members in [100, 10_000, 100_000] {
        if !short && members as u64 <= users {
            let name = format!("member-{members}");
            writes.push(Operation::new(
                name,
                Kind::Member(members),
                MEMBER_CONNECTIONS,
            ));
        }
    }
    writes
}

/// What the requests of one operation need to know about the directory.
#[derive(Clone)]
pub(super) struct Scene {
    pub site: Site,
    /// Users that were imported.
    pub users: u64,
    pub targets: Arc<Vec<Target>>,
    /// Index of the next person who does not exist yet.
    pub next: Arc<AtomicU64>,
    /// Id of the group whose members change.
    pub group: Option<Arc<str>>,
    /// The cursors of the pages of a walk, in order.
    pub cursors: Arc<Vec<String>>,
}

impl Scene {
    /// The members of a group of `size`; the last targets stay outside of it.
    pub(super) fn members(&self, size: usize) -> &[Target] {
        &self.targets[..size.min(self.targets.len().saturating_sub(MEMBER_CONNECTIONS))]
    }

    /// One script per connection of `operation`.
    pub(super) fn scripts(&self, operation: &Operation, seed: u64) -> anyhow::Result<Vec<Script>> {
        (0..operation.connections)
            .map(|connection| {
                let random = Random::seeded(seed << 16 | connection as u64);
                self.script(operation.kind, connection, random)
            })
            .collect()
    }

    /// Asks once and checks that the answer means what the operation is about,
    /// so that no server is measured at being wrong. Returns the body's length.
    pub(super) async fn rehearse(&self, kind: Kind) -> anyhow::Result<Option<usize>> {
        if matches!(kind, Kind::Create | Kind::PatchTitle | Kind::Member(_)) {
            return Ok(None);
        }
        let path = self.path(kind, &mut Random::seeded(1));
        let body = self.site.call("GET", &path, b"").await?;
        let answer: Value = serde_json::from_slice(&body).with_context(|| path.clone())?;
        let total = answer["totalResults"].as_u64();
        let shown = answer["Resources"].as_array().map(|all| all.len() as u64);
        let good = match kind {
            Kind::GetById => answer["userName"].is_string(),
            Kind::UserNameEq | Kind::ExternalIdEq => total == Some(1) && shown == Some(1),
            Kind::Walk => total >= Some(self.users) && shown >= Some(WALK_PAGE.min(self.users)),
            Kind::ListFirst | Kind::ListDeep => {
                let rest = self.users - start_index(kind, self.users) + 1;
                total >= Some(self.users) && shown >= Some(PAGE.min(rest))
            }
            _ => total >= Some(1) && shown >= Some(1),
        };
        let begin: String = answer.to_string().chars().take(300).collect();
        ensure!(good, "GET {path} has the wrong answer: {begin}");
        Ok(Some(body.len()))
    }

    /// Walks through all users once, and keeps the cursors to do so again: they hold all that
    /// a page needs, so that the answers of a load need not be read.
    pub(super) async fn walk(&self) -> anyhow::Result<Vec<String>> {
        let mut cursors = vec![String::new()];
        let mut seen = 0;
        while let Some(cursor) = cursors.last() {
            let path = walk_path(cursor);
            let body = self.site.call("GET", &path, b"").await?;
            let page: Value = serde_json::from_slice(&body).with_context(|| path.clone())?;
            seen += page["itemsPerPage"].as_u64().unwrap_or_default();
            match page["nextCursor"].as_str() {
                Some(next) => cursors.push(next.to_owned()),
                None => break,
            }
        }
        ensure!(
            seen >= self.users,
            "the walk saw {seen} users of {}",
            self.users
        );
        Ok(cursors)
    }

    fn script(&self, kind: Kind, connection: usize, mut random: Random) -> anyhow::Result<Script> {
        let scene = self.clone();
        Ok(match kind {
            Kind::Create => Box::new(move |out| {
                let mut body = Vec::with_capacity(1536);
                Person::at(scene.next.fetch_add(1, Ordering::Relaxed)).write_json(&mut body);
                write_request(out, "POST", "/scim/v2/Users", &scene.site.token, &body);
                &[201]
            }),
            Kind::PatchTitle => Box::new(move |out| {
                let path = format!("/scim/v2/Users/{}", scene.target(&mut random).id);
                let operation = format!(
                    r#"{{"op":"replace","path":"title","value":"Engineer {}"}}"#,
                    random.below(1_000_000)
                );
                write_request(out, "PATCH", &path, &scene.site.token, &patch(&operation));
                &[200, 204]
            }),
            Kind::Member(_) => {
                let group = self.group.as_deref().context("no group")?;
                let path = format!("/scim/v2/Groups/{group}");
                let own = self
                    .targets
                    .iter()
                    .rev()
                    .nth(connection)
                    .context("too few users")?;
                let add = format!(
                    r#"{{"op":"add","path":"members","value":[{{"value":"{}"}}]}}"#,
                    own.id
                );
                let remove = format!(
                    r#"{{"op":"remove","path":"members[value eq \"{}\"]"}}"#,
                    own.id
                );
                let bodies = [patch(&add), patch(&remove)];
                let mut turns = [0, 1].into_iter().cycle();
                Box::new(move |out| {
                    let body = &bodies[turns.next().unwrap_or_default()];
                    write_request(out, "PATCH", &path, &scene.site.token, body);
                    &[200, 204]
                })
            }
            Kind::Walk => {
                // Each connection is on its own way through all pages.
                let begin = random.below(self.cursors.len());
                let mut pages = (0..self.cursors.len()).cycle().skip(begin);
                Box::new(move |out| {
                    let cursor = &scene.cursors[pages.next().unwrap_or_default()];
                    write_request(out, "GET", &walk_path(cursor), &scene.site.token, b"");
                    &[200]
                })
            }
            _ => Box::new(move |out| {
                write_request(
                    out,
                    "GET",
                    &scene.path(kind, &mut random),
                    &scene.site.token,
                    b"",
                );
                &[200]
            }),
        })
    }

    /// What a read asks for.
    fn path(&self, kind: Kind, random: &mut Random) -> String {
        let target = self.target(random);
        let person = Person::at(target.index);
        let filter = match kind {
            Kind::UserNameEq => format!(r#"userName eq "{}""#, person.user_name()),
            Kind::ExternalIdEq => format!(r#"externalId eq "{}""#, person.external_id()),
            Kind::EmailsStart => format!(r#"emails.value sw "{}""#, person.mail_prefix()),
            Kind::EmailsPart => format!(r#"emails.value co "{}""#, person.mail_part()),
            Kind::DisplayNamePart => format!(r#"displayName co "{}""#, person.name_part()),
            Kind::ListFirst | Kind::ListDeep => {
                let start = start_index(kind, self.users);
                return format!("/scim/v2/Users?startIndex={start}&count={PAGE}");
            }
            Kind::Walk => return walk_path(""),
            Kind::GetById | Kind::Create | Kind::PatchTitle | Kind::Member(_) => {
                return format!("/scim/v2/Users/{}", target.id);
            }
        };
        format!(
            "/scim/v2/Users?count={PAGE}&filter={}",
            percent_encoded(&filter)
        )
    }

    fn target(&self, random: &mut Random) -> &Target {
        &self.targets[random.below(self.targets.len())]
    }
}

fn walk_path(cursor: &str) -> String {
    format!("/scim/v2/Users?count={WALK_PAGE}&cursor={cursor}")
}

/// Position of the first user on the page that a list asks for.
fn start_index(kind: Kind, users: u64) -> u64 {
    if kind == Kind::ListDeep {
        (users / 10 * 9).max(1)
    } else {
        1
    }
}

fn patch(operation: &str) -> Vec<u8> {
    format!(r#"{{"schemas":["{PATCH_SCHEMA}"],"Operations":[{operation}]}}"#).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(users: u64) -> Vec<String> {
        writes(users)
            .into_iter()
            .map(|operation| operation.name)
            .collect()
    }

    #[test]
    fn changes_fit_the_size() {
        let small = [
            "create-16",
            "create-32",
            "patch-title-16",
            "patch-title-32",
            "member-100",
        ];
        assert_eq!(names(1_000), small);
        assert_eq!(names(100_000)[5..], ["member-10000", "member-100000"]);
        assert_eq!(names(1_000_000), ["create-32", "patch-title-32"]);
    }
}
