//! What crossed the network, kept for those who tabulate operations and answers.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

/// One request and the status it was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The method sent.
    pub method: &'static str,
    /// The path below the base URL, its variable parts named: `/Users/{id}`.
    pub path: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The `scimType` of a refusal (RFC 7644 §3.12).
    pub scim_type: Option<String>,
}

impl Exchange {
    pub(crate) fn to_json(&self) -> Value {
        let mut object = json!({ "method": self.method, "path": self.path, "status": self.status });
        if let Some(scim_type) = &self.scim_type {
            object["scimType"] = json!(scim_type);
        }
        object
    }
}

/// The exchanges of one case, in the order of their answers. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Exchange>>>);

impl Log {
    pub(crate) fn add(&self, exchange: Exchange) {
        self.exchanges().push(exchange);
    }

    pub(crate) fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.exchanges())
    }

    fn exchanges(&self) -> std::sync::MutexGuard<'_, Vec<Exchange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What paths below the URL of a host begin with where it is not SCIM that is served; no
/// resources are directly below these.
const HOST_BASES: [&str; 8] = [
    "openidm",
    "am",
    "environment",
    "scim",
    "service",
    "cps",
    "md",
    "oauth2",
];

/// A path without its query, and with what varies in it named.
pub(crate) fn template(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let Some(endpoint) = segments.next() else {
        return "/".to_owned();
    };
    let variable = match endpoint {
        "Schemas" => "{urn}",
        "ResourceTypes" => "{name}",
        _ => "{id}",
    };
    match (segments.next(), segments.next()) {
        (None, _) => format!("/{endpoint}"),
        (Some(fixed), None) if fixed.starts_with('.') || HOST_BASES.contains(&endpoint) => {
            format!("/{endpoint}/{fixed}")
        }
        (Some(_), None) => format!("/{endpoint}/{variable}"),
        (Some(_), Some(_)) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_in_a_path_is_named() {
        for (path, wanted) in [
            ("/", "/"),
            ("/?filter=x", "/"),
            ("/Users", "/Users"),
            ("/Users/?count=0", "/Users"),
            ("/Users/7?attributes=id", "/Users/{id}"),
            ("/.search", "/.search"),
            ("/Users/.search?count=1", "/Users/.search"),
            ("/Schemas/urn:example:a", "/Schemas/{urn}"),
            ("/ResourceTypes/User", "/ResourceTypes/{name}"),
            ("/Me", "/Me"),
            ("/Users/a/b", "/Users/a/b"),
            ("/openidm/config?_queryFilter=true", "/openidm/config"),
            ("/scim/Users/?count=1", "/scim/Users"),
            (
                "/openidm/managed/alpha_user/7",
                "/openidm/managed/alpha_user/7",
            ),
        ] {
            assert_eq!(template(path), wanted, "{path}");
        }
    }
}
