//! PATCH (RFC 7644 §3.5.2). Each row starts from the same user or group and
//! states how its representation changes, written as a JSON merge patch.

mod groups;
mod messages;
mod stage;
mod users;

use stage::Stage;

use super::compare::{comparable, merge};
use crate::Unmet;
use crate::case::Case;
use crate::session::Session;
use crate::verdict::{Verdict, ensure, same, skip, within};

/// What becomes of the resource.
enum Effect {
    /// Succeeds and changes nothing, version and `lastModified` included.
    Same,
    /// Succeeds; the representation differs by this merge patch (RFC 7396).
    Becomes(&'static str),
    /// Refused with this status and `scimType`; nothing changes.
    Refused(u16, &'static str),
}

use Effect::{Becomes, Refused, Same};

/// Lists of operations that all have one effect. Names in angle brackets stand
/// for ids and URNs of the run; see [`Stage`].
struct Row {
    ids: &'static [&'static str],
    name: &'static str,
    variants: &'static [&'static str],
    effect: Effect,
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for row in users::ROWS {
        cases.push(Case::new(row.ids, row.name, |session| {
            play(session, row, Stage::user)
        }));
    }
    for row in groups::ROWS {
        cases.push(Case::new(row.ids, row.name, |session| {
            play(session, row, Stage::group)
        }));
    }
    cases.extend(messages::cases());
    cases
}

fn play(
    session: &mut Session,
    row: &Row,
    stage: fn(&mut Session, &str) -> Result<Stage, Unmet>,
) -> Verdict {
    for variant in row.variants {
        let effect_text = if let Becomes(change) = row.effect {
            change
        } else {
            ""
        };
        let stage = stage(session, &format!("{variant}{effect_text}"))?;
        if variant.contains("<U2>") && stage.named("<U2>") == stage.named("<u2>") {
            return skip("ids have no letters in lower case");
        }
        within(variant, perform(session, row, &stage, variant))?;
    }
    Ok(())
}

fn perform(session: &mut Session, row: &Row, stage: &Stage, operations: &str) -> Verdict {
    let answer = session.patch(&stage.path, &stage.fill(operations))?;
    match &row.effect {
        Refused(status, scim_type) => {
            answer.refused(*status, scim_type)?;
            let after = session.read(&stage.path)?;
            same(
                "the resource, which must be unchanged,",
                &stage.before,
                &after,
            )
        }
        Same => {
            let answer = answer.expect_any(&[200, 204])?;
            if answer.status == 200 {
                same(
                    "the answer",
                    &comparable(&stage.before),
                    &comparable(answer.object()?),
                )?;
            }
            let after = session.read(&stage.path)?;
            same(
                "the resource, which must be unchanged,",
                &stage.before,
                &after,
            )
        }
        Becomes(change) => {
            let answer = answer.expect_any(&[200, 204])?;
            let after = session.read(&stage.path)?;
            let mut expected = stage.before.clone();
            merge(&mut expected, &stage.fill(change));
            same("the resource", &comparable(&expected), &comparable(&after))?;
            if answer.status == 200 {
                same("the answer", &after, answer.object()?)?;
            }
            let versioned = stage.before["meta"]["version"].is_string();
            ensure(
                !versioned || stage.before["meta"]["version"] != after["meta"]["version"],
                "a new meta.version",
                &answer,
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_row_is_json_once_its_names_are_filled_in() {
        let names = [
            "<own>",
            "<m1>",
            "<m2>",
            "<m2 name>",
            "<M2 NAME>",
            "<gone>",
            "<E>",
            "<e>",
        ];
        let more = ["<USER>", "<u1>", "<u2>", "<u3>", "<u4>", "<U2>", "<tag>"];
        let names = names
            .iter()
            .chain(&more)
            .map(|name| (*name, "x".to_owned()))
            .collect();
        let stage = Stage {
            path: String::new(),
            before: Value::Null,
            names,
        };
        for row in users::ROWS.iter().chain(groups::ROWS) {
            for variant in row.variants {
                assert!(stage.fill(variant).is_array(), "{variant}");
                assert!(!stage.fill(variant).to_string().contains('<'), "{variant}");
            }
            if let Becomes(change) = row.effect {
                assert!(stage.fill(change).is_object(), "{change}");
            }
        }
    }
}
