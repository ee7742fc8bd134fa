//! The users that filters are asked of.

use serde_json::{Value, json};

use crate::session::Session;
use crate::urn;
use crate::verdict::text;

/// Three users, told apart from all others by `nickName`, and a group:
///
/// | | A | B | C |
/// |---|---|---|---|
/// | userName | bjensen… | JSmith… | mallory… |
/// | externalId | X1 | x1 | |
/// | displayName | | | École |
/// | name | Barbara Jensen | | |
/// | title | Tour Guide | | "" |
/// | userType | Employee | Intern | |
/// | active | true | false | |
/// | emails | work primary, home | | work, home |
/// | enterprise | | department, manager A | |
pub(super) struct Cast {
    pub(super) a: Value,
    pub(super) b: Value,
    pub(super) c: Value,
    group: Value,
}

impl Cast {
    pub(super) fn new(session: &mut Session) -> Result<Self, crate::Unmet> {
        let tag = session.tag().to_owned();
        let a = session.create(
            "/Users",
            &json!({
                "schemas": [urn::USER],
                "userName": format!("bjensen-{tag}"),
                "nickName": tag,
                "externalId": "X1",
                "name": { "givenName": "Barbara", "familyName": "Jensen" },
                "title": "Tour Guide",
                "userType": "Employee",
                "active": true,
                "emails": [
                    { "value": "bjensen@example.com", "type": "work", "primary": true },
                    { "value": "babs@jensen.org", "type": "home" },
                ],
            }),
        )?;
        let b = session.create(
            "/Users",
            &json!({
                "schemas": [urn::USER, urn::ENTERPRISE],
                "userName": format!("JSmith-{tag}"),
                "nickName": tag,
                "externalId": "x1",
                "userType": "Intern",
                "active": false,
                urn::ENTERPRISE: { "department": "Sales", "manager": { "value": a["id"] } },
            }),
        )?;
        let c = session.create(
            "/Users",
            &json!({
                "schemas": [urn::USER],
                "userName": format!("mallory-{tag}"),
                "nickName": tag,
                "displayName": "École",
                "title": "",
                "emails": [
                    { "value": "mal@foo.com", "type": "work" },
                    { "value": "c@example.com", "type": "home" },
                ],
            }),
        )?;
        let group = session.create(
            "/Groups",
            &json!({ "schemas": [urn::GROUP], "displayName": format!("Staff-{tag}") }),
        )?;
        Ok(Self { a, b, c, group })
    }

    /// The members named by letters, `A B C G`.
    pub(super) fn named(&self, letters: &str) -> Vec<&Value> {
        letters
            .split_whitespace()
            .filter_map(|letter| match letter {
                "A" => Some(&self.a),
                "B" => Some(&self.b),
                "C" => Some(&self.c),
                "G" => Some(&self.group),
                _ => None,
            })
            .collect()
    }

    /// Puts this run's values in place of the names in angle brackets.
    pub(super) fn fill(&self, filter: &str, tag: &str) -> String {
        let id = text(&self.a["id"]);
        filter
            .replace("<tag>", tag)
            .replace("<TAG>", &tag.to_uppercase())
            .replace("<id>", &id)
            .replace("<ID>", &id.to_uppercase())
            .replace(
                "<id start>",
                id.get(..id.len().saturating_sub(1)).unwrap_or_default(),
            )
    }

    pub(super) fn titles_may_be_empty(&self) -> bool {
        self.c["title"] == ""
    }

    pub(super) fn active_is_defaulted(&self) -> bool {
        self.c["active"] == true
    }
}
