//! What a case concludes, and the words cases use to state what they expected.

use serde_json::Value;

use crate::wire::{Answer, excerpt};

/// The conclusion of one case.
pub type Verdict = Result<(), Unmet>;

/// Why a case did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// The server answered otherwise than the rule says.
    Fail {
        /// What the rule asks for.
        expected: String,
        /// What the server did.
        got: String,
    },
    /// The case does not apply to this server; the reason says why.
    Skip(String),
}

/// Fails with an expectation and an observation.
pub(crate) fn fail<T>(expected: impl Into<String>, got: impl Into<String>) -> Result<T, Unmet> {
    Err(Unmet::Fail {
        expected: expected.into(),
        got: got.into(),
    })
}

/// Declares the case inapplicable.
pub(crate) fn skip<T>(reason: impl Into<String>) -> Result<T, Unmet> {
    Err(Unmet::Skip(reason.into()))
}

/// Holds a condition about an answer.
pub(crate) fn ensure(met: bool, expected: impl Into<String>, answer: &Answer) -> Verdict {
    if met {
        Ok(())
    } else {
        fail(expected, answer.describe())
    }
}

/// Holds that two values are equal.
pub(crate) fn same(what: &str, expected: &Value, got: &Value) -> Verdict {
    if expected == got {
        return Ok(());
    }
    fail(
        format!("{what} = {}", excerpt(&expected.to_string())),
        format!("{what} = {}", excerpt(&got.to_string())),
    )
}

/// Prefixes an unmet expectation with the variant of the case it arose in.
pub(crate) fn within(variant: &str, verdict: Verdict) -> Verdict {
    verdict.map_err(|unmet| match unmet {
        Unmet::Fail { expected, got } => Unmet::Fail {
            expected: format!("[{variant}] {expected}"),
            got,
        },
        skip @ Unmet::Skip(_) => skip,
    })
}

/// Expectations about one answer.
impl Answer {
    pub(crate) fn expect(self, status: u16) -> Result<Self, Unmet> {
        self.expect_any(&[status])
    }

    pub(crate) fn expect_any(self, statuses: &[u16]) -> Result<Self, Unmet> {
        if statuses.contains(&self.status) {
            return Ok(self);
        }
        let wanted: Vec<_> = statuses.iter().map(u16::to_string).collect();
        fail(format!("status {}", wanted.join(" or ")), self.describe())
    }

    /// Holds that the request was refused with an error body (RFC 7644 §3.12). An
    /// empty `scim_type` stands for any or none.
    pub(crate) fn refused(&self, status: u16, scim_type: &str) -> Verdict {
        ensure(
            self.status == status,
            format!("status {status} {scim_type}").trim_end().to_owned(),
            self,
        )?;
        let Some(body) = self.json().filter(|body| body.is_object()) else {
            return fail("a SCIM error body", self.describe());
        };
        ensure(
            lists(&body["schemas"], crate::urn::ERROR),
            "schemas of an error body: the Error URN",
            self,
        )?;
        ensure(
            text(&body["status"]) == status.to_string(),
            format!("status in the body: the string \"{status}\""),
            self,
        )?;
        ensure(
            scim_type.is_empty() || body["scimType"] == scim_type,
            format!("scimType {scim_type}"),
            self,
        )
    }

    /// The body as a JSON object.
    pub(crate) fn object(&self) -> Result<&Value, Unmet> {
        match self.json().filter(|body| body.is_object()) {
            Some(body) => Ok(body),
            None => fail("a JSON object", self.describe()),
        }
    }

    /// The body as a list of resources with its four counters (RFC 7644 §3.4.2).
    pub(crate) fn list(&self) -> Result<List<'_>, Unmet> {
        ensure(self.status == 200, "status 200", self)?;
        let body = self.object()?;
        ensure(
            lists(&body["schemas"], crate::urn::LIST),
            "schemas: the ListResponse URN",
            self,
        )?;
        let Some(total) = body["totalResults"].as_u64() else {
            return fail("totalResults as a JSON integer", self.describe());
        };
        let resources = match &body["Resources"] {
            Value::Array(resources) => resources.as_slice(),
            Value::Null => &[],
            _ => return fail("Resources as an array", self.describe()),
        };
        Ok(List {
            total,
            resources,
            body,
        })
    }
}

/// A `ListResponse`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List<'a> {
    pub(crate) total: u64,
    pub(crate) resources: &'a [Value],
    pub(crate) body: &'a Value,
}

impl List<'_> {
    /// The `id`s in the order of the answer.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.resources
            .iter()
            .map(|resource| text(&resource["id"]))
            .collect()
    }
}

/// Whether an array of strings holds `wanted`, compared as schema URIs are: without case.
pub(crate) fn lists(array: &Value, wanted: &str) -> bool {
    array.as_array().is_some_and(|all| {
        all.iter().any(|one| {
            one.as_str()
                .is_some_and(|text| text.eq_ignore_ascii_case(wanted))
        })
    })
}

/// The string in a value, empty for anything else.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
