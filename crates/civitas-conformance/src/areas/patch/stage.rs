//! Where the rows start.

use serde_json::{Value, json};

use crate::Unmet;
use crate::session::{Session, path_of};
use crate::urn;
use crate::verdict::text;

/// The resource a row starts from, and the ids its operations speak of:
///
/// * user: `<own>` has manager `<m1>`; `<m2>` is another user, `<m2 name>` its name
/// * group: members `<u1>`, `<u2>`, `<u3>`; `<u4>` is another user; `<U2>` is `<u2>` in capitals
/// * `<gone>` is the id of a deleted user, `<E>` the enterprise URN, `<USER>` the core one
pub(super) struct Stage {
    pub(super) path: String,
    pub(super) before: Value,
    pub(super) names: Vec<(&'static str, String)>,
}

impl Stage {
    pub(super) fn user(session: &mut Session, row: &str) -> Result<Self, Unmet> {
        let boss = session.user("m1")?;
        let body = json!({
            "schemas": [urn::USER, urn::ENTERPRISE],
            "userName": session.name("bj"),
            "displayName": "BJ",
            "title": "Guide",
            "active": true,
            "name": { "givenName": "Barbara", "familyName": "Jensen" },
            "emails": [
                { "value": "w@x.org", "type": "work", "primary": true },
                { "value": "h@x.org", "type": "home" },
            ],
            urn::ENTERPRISE: { "department": "Sales", "manager": { "value": boss["id"] } },
        });
        let before = session.create("/Users", &body)?;
        let mut names = vec![("<m1>", text(&boss["id"]))];
        if row.contains("m2") || row.contains("M2") {
            let other = session.user("m2")?;
            let name = text(&other["userName"]);
            names.push(("<m2>", text(&other["id"])));
            names.push(("<M2 NAME>", name.to_uppercase()));
            names.push(("<m2 name>", name));
        }
        Self::finish(session, "/Users", before, names, row)
    }

    pub(super) fn group(session: &mut Session, row: &str) -> Result<Self, Unmet> {
        let mut users = Vec::new();
        let mut names = Vec::new();
        for name in ["<u1>", "<u2>", "<u3>"] {
            let user = session.user("u")?;
            names.push((name, text(&user["id"])));
            users.push(user);
        }
        names.push(("<U2>", text(&users[1]["id"]).to_uppercase()));
        if row.contains("<u4>") {
            names.push(("<u4>", text(&session.user("u4")?["id"])));
        }
        let group = session.group("g", &users.iter().collect::<Vec<_>>())?;
        Self::finish(session, "/Groups", group, names, row)
    }

    fn finish(
        session: &mut Session,
        endpoint: &str,
        before: Value,
        mut names: Vec<(&'static str, String)>,
        row: &str,
    ) -> Result<Self, Unmet> {
        names.push(("<own>", text(&before["id"])));
        names.push(("<tag>", session.tag().to_owned()));
        names.push(("<E>", urn::ENTERPRISE.to_owned()));
        names.push(("<e>", urn::ENTERPRISE.to_uppercase()));
        names.push(("<USER>", urn::USER.to_owned()));
        if row.contains("<gone>") {
            names.push(("<gone>", session.deleted_id()?));
        }
        Ok(Self {
            path: path_of(endpoint, &before),
            before,
            names,
        })
    }

    /// JSON text with this run's names put in.
    pub(super) fn fill(&self, json: &str) -> Value {
        let mut filled = json.to_owned();
        for (name, meaning) in &self.names {
            filled = filled.replace(name, meaning);
        }
        serde_json::from_str(&filled).unwrap_or_else(|_| Value::String(filled))
    }

    pub(super) fn named(&self, name: &str) -> String {
        let found = self.names.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, meaning)| meaning.clone())
            .unwrap_or_default()
    }
}
