//! Rules: which requests are answered on order, and how.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use civitas_scim::Invalid;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{effect::Effect, family::Family};

/// Most rules of a tenant.
pub(super) const MAX_RULES: usize = 100;

/// Longest ordered delay in milliseconds.
const MAX_DELAY_MS: u64 = 60_000;

/// Requests to match, and their answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(rename = "match", default)]
    pub(super) matches: Match,
    pub(super) answer: Answer,
}

/// What a request must be like. What is left out holds for every request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Match {
    /// The name of a [`Family`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dialect: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// `*` stands for one segment, `**` at the end for any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Id of the client that calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// Values in the JSON body, by JSON Pointer (RFC 6901).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    body: BTreeMap<String, Value>,
    /// The first matching request that is answered, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
    /// The last matching request that is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u64>,
    /// Which part of them is answered, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// Decides which they are: the same ones for the same seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

impl Rule {
    /// Whose words the answer is in: those of the dialect that is named, else of the one that
    /// owns the path.
    pub(super) fn family(&self) -> Family {
        let named = self.matches.dialect.as_deref().and_then(Family::staged);
        let of_path = self.matches.path.as_deref().map(Family::of);
        let found = named.or(of_path.filter(|it| it.is_staged()));
        found.unwrap_or(Family::Scim)
    }
}

/// When the answer is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Moment {
    /// Instead of the work.
    #[default]
    Before,
    /// In place of the true answer, when the work is done.
    After,
}

/// How an exchange ends without a whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Break {
    /// The connection is reset.
    Reset,
    /// The connection is closed.
    Close,
}

/// An ordered answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Answer {
    /// A status that the dialect documents; without it the true answer is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    /// Which of several refusals with that status (RFC 7644 §3.12).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scim_type: Option<String>,
    /// The value of `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after: Option<String>,
    pub(super) when: Moment,
    /// How long the answer is held back.
    pub(super) delay_ms: u64,
    #[serde(rename = "break", skip_serializing_if = "Option::is_none")]
    broken: Option<Break>,
    /// Bytes of the body after which the connection is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<usize>,
    /// Milliseconds between two pieces of 16 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    drip_ms: Option<u64>,
}

impl Answer {
    /// Reads an order: parts set off by `;`, of which one may be a status, such as
    /// `503; retry-after=5; delay=200; after`.
    pub(super) fn parse(order: &str) -> Result<Self, Invalid> {
        let mut answer = Self::default();
        for part in order.split(';').map(str::trim) {
            let wrong = || {
                Invalid::value(format!(
                    "Civitas-Rehearse: {part:?} is not understood; known are a status, \
                     retry-after=, delay=, scim-type=, cut=, drip=, reset, close, before, after"
                ))
            };
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (name.trim(), value.trim());
            match name {
                "" if order.trim().is_empty() => return Err(wrong()),
                "" => {}
                "retry-after" if !value.is_empty() => answer.retry_after = Some(value.to_owned()),
                "scim-type" if !value.is_empty() => answer.scim_type = Some(value.to_owned()),
                "delay" => answer.delay_ms = value.parse().map_err(|_| wrong())?,
                "cut" => answer.cut = Some(value.parse().map_err(|_| wrong())?),
                "drip" => answer.drip_ms = Some(value.parse().map_err(|_| wrong())?),
                "reset" => answer.broken = Some(Break::Reset),
                "close" => answer.broken = Some(Break::Close),
                "before" => answer.when = Moment::Before,
                "after" => answer.when = Moment::After,
                _ if answer.status.is_some() => return Err(wrong()),
                _ => answer.status = Some(name.parse().map_err(|_| wrong())?),
            }
        }
        answer.check()?;
        Ok(answer)
    }

    fn check(&self) -> Result<(), Invalid> {
        let slow = self.delay_ms.max(self.drip_ms.unwrap_or_default());
        if slow > MAX_DELAY_MS {
            let most = format!("rehearsal: no delay is longer than {MAX_DELAY_MS} ms");
            return Err(Invalid::value(most));
        }
        let field = self.retry_after.as_deref().unwrap_or_default();
        if !field.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(Invalid::value("rehearsal: retry_after is no header value"));
        }
        Ok(())
    }

    /// Whether nothing of an answer is seen.
    pub(super) const fn is_silent(&self) -> bool {
        self.broken.is_some()
    }

    /// What happens to the connection.
    pub(super) fn effect(&self) -> Option<Effect> {
        match (self.broken, self.cut, self.drip_ms) {
            (Some(Break::Reset), ..) => Some(Effect::Reset),
            (Some(Break::Close), ..) => Some(Effect::Close),
            (None, Some(bytes), _) => Some(Effect::Cut { bytes }),
            (None, None, Some(pause_ms)) => Some(Effect::Drip { pause_ms }),
            (None, None, None) => None,
        }
    }
}

/// A request as rules look at it.
pub(super) struct Facts<'r> {
    pub(super) dialect: &'r str,
    pub(super) method: &'r str,
    pub(super) path: &'r str,
    pub(super) client: Option<&'r str>,
    pub(super) body: &'r [u8],
}

impl Match {
    fn check(&self) -> Result<(), Invalid> {
        if let Some(dialect) = &self.dialect
            && Family::staged(dialect).is_none()
        {
            let known = Family::ALL.into_iter().filter(|it| it.is_staged());
            let known: Vec<&str> = known.map(Family::name).collect();
            let known = known.join(", ");
            return Err(Invalid::value(format!(
                "match.dialect: {dialect:?} is not one of {known}"
            )));
        }
        if self
            .probability
            .is_some_and(|it| !(0.0..=1.0).contains(&it))
        {
            let range = "match.probability: not between 0 and 1";
            return Err(Invalid::value(range));
        }
        if self.from == Some(0) {
            return Err(Invalid::value("match.from: counted from 1"));
        }
        Ok(())
    }

    fn holds(&self, facts: &Facts<'_>) -> bool {
        let same = |wanted: &Option<String>, is: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == is)
        };
        same(&self.dialect, Some(facts.dialect))
            && self
                .method
                .as_deref()
                .is_none_or(|it| it.eq_ignore_ascii_case(facts.method))
            && same(&self.client, facts.client)
            && self
                .path
                .as_deref()
                .is_none_or(|it| leads_to(it, facts.path))
            && self.body_holds(facts.body)
    }

    fn body_holds(&self, body: &[u8]) -> bool {
        if self.body.is_empty() {
            return true;
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut wanted = self.body.iter();
        wanted.all(|(pointer, value)| body.pointer(pointer) == Some(value))
    }

    /// Whether it is the turn of the n-th request.
    fn picks(&self, number: u64) -> bool {
        let within = number >= self.from.unwrap_or(1) && self.to.is_none_or(|to| number <= to);
        let chosen = self
            .probability
            .is_none_or(|probability| draw(self.seed.unwrap_or_default(), number) < probability);
        within && chosen
    }
}

/// A number from 0 to 1 that the seed determines (splitmix64).
fn draw(seed: u64, number: u64) -> f64 {
    let mut mixed = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    f64::from((mixed >> 32) as u32) / f64::from(u32::MAX)
}

fn leads_to(pattern: &str, path: &str) -> bool {
    let mut path = path.trim_end_matches('/').split('/');
    for wanted in pattern.trim_end_matches('/').split('/') {
        match (wanted, path.next()) {
            ("**", _) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(segment)) if wanted == segment => {}
            _ => return false,
        }
    }
    path.next().is_none()
}

/// The rules of a tenant, each with the requests that it has matched.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<(Rule, AtomicU64)>);

impl Rules {
    pub(super) fn new(rules: Vec<Rule>) -> Self {
        Self(
            rules
                .into_iter()
                .map(|rule| (rule, AtomicU64::new(0)))
                .collect(),
        )
    }

    /// Rules as stored, or as sent: one, or a list.
    pub(super) fn read(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        parse(text.as_bytes()).map(Self::new)
    }

    pub(super) fn text(&self) -> String {
        serde_json::to_string(&self.rules()).unwrap_or_default()
    }

    pub(super) fn rules(&self) -> Vec<Rule> {
        self.0.iter().map(|(rule, _)| rule.clone()).collect()
    }

    /// The rules with the number of requests that each has matched.
    pub(super) fn shown(&self) -> Value {
        let shown = self.0.iter().map(|(rule, matched)| {
            let mut shown = serde_json::to_value(rule).unwrap_or_default();
            shown["matched"] = matched.load(Relaxed).into();
            shown
        });
        shown.collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn read_bodies(&self) -> bool {
        self.0.iter().any(|(rule, _)| !rule.matches.body.is_empty())
    }

    /// The answer of the first rule whose turn it is. The rules before it count the request.
    pub(super) fn turn(&self, facts: &Facts<'_>) -> Option<Answer> {
        let mut held = self.0.iter().filter(|(rule, _)| rule.matches.holds(facts));
        let turn =
            held.find(|(rule, matched)| rule.matches.picks(matched.fetch_add(1, Relaxed) + 1));
        turn.map(|(rule, _)| rule.answer.clone())
    }
}

/// One rule or a list of rules.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Rule>, Invalid> {
    let value: Value = serde_json::from_slice(text)
        .map_err(|error| Invalid::syntax(format!("the body is not JSON: {error}")))?;
    let values = match value {
        Value::Array(values) => values,
        one => vec![one],
    };
    if values.len() > MAX_RULES {
        let most = format!("a tenant has at most {MAX_RULES} rehearsals");
        return Err(Invalid::value(most));
    }
    values
        .into_iter()
        .map(|mut value| {
            // An answer may be written as in the header field.
            if let Some(order) = value.pointer("/answer").and_then(Value::as_str) {
                let answer = Answer::parse(order)?;
                value["answer"] = serde_json::to_value(answer).unwrap_or_default();
            }
            let rule: Rule = serde_json::from_value(value)
                .map_err(|error| Invalid::value(format!("rehearsal: {error}")))?;
            rule.matches.check()?;
            rule.answer.check()?;
            Ok(rule)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_or_told_apart() {
        let answer = Answer::parse("503; retry-after=5; delay=20;after").unwrap();
        assert_eq!(
            (
                answer.status,
                answer.retry_after.as_deref(),
                answer.delay_ms
            ),
            (Some(503), Some("5"), 20)
        );
        assert_eq!(answer.when, Moment::After);
        let answer = Answer::parse("after; reset").unwrap();
        assert_eq!(
            (answer.status, answer.effect()),
            (None, Some(Effect::Reset))
        );
        assert_eq!(
            Answer::parse("cut=7").unwrap().effect(),
            Some(Effect::Cut { bytes: 7 })
        );
        for wrong in [
            "",
            "soon",
            "503; 504",
            "503; delay=x",
            "delay=70000",
            "cut=",
        ] {
            assert!(Answer::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn patterns_lead_to_paths() {
        for (pattern, path, expected) in [
            ("/scim/v2/Users", "/scim/v2/Users", true),
            ("/scim/v2/Users", "/scim/v2/Users/", true),
            ("/scim/v2/Users/*", "/scim/v2/Users/7", true),
            ("/scim/v2/Users/*", "/scim/v2/Users", false),
            ("/scim/v2/*/7", "/scim/v2/Users/8", false),
            ("/scim/**", "/scim/v2/Users/8", true),
            ("/scim/**", "/oauth2/v1/token", false),
        ] {
            assert_eq!(leads_to(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_rule_takes_its_turn() {
        let rules = r#"[{"match":{"method":"post","body":{"/a/b":1},"from":2,"to":3},"answer":{"status":503}}]"#;
        let rules = Rules::read(rules).unwrap();
        let mut facts = Facts {
            dialect: "scim",
            method: "POST",
            path: "/scim/v2/Users",
            client: None,
            body: br#"{"a":{"b":2}}"#,
        };
        assert!(rules.turn(&facts).is_none());
        facts.body = br#"{"a":{"b":1}}"#;
        let turns = [1, 2, 3, 4].map(|_| rules.turn(&facts).is_some());
        assert_eq!(turns, [false, true, true, false]);
        let half = r#"{"match":{"probability":0.5,"seed":7},"answer":{"status":503}}"#;
        let picked = |text| {
            let rules = Rules::read(text).unwrap();
            (0..200)
                .map(|_| rules.turn(&facts).is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(picked(half), picked(half), "the seed decides");
        let count = picked(half).iter().filter(|it| **it).count();
        assert!((70..130).contains(&count), "{count}");
        for wrong in [
            r#"{"answer":{"state":503}}"#,
            r#"{"match":{"dialect":"soap"},"answer":{}}"#,
            r#"{"match":{"probability":2},"answer":{}}"#,
            r#"{"match":{"from":0},"answer":{}}"#,
        ] {
            assert!(Rules::read(wrong).is_err(), "{wrong}");
        }
    }
}
