//! What an operation of a bulk job is about (RFC 7644 §3.7: `path`).

use super::{Method, Operation};
use crate::{Invalid, path::shown, schema::ResourceType};

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'t, 'o> {
    /// A new resource of the type.
    New(&'t ResourceType),
    /// The resource of the type that has the id; a reference to a resource of the same job
    /// stands here as it was written.
    Existing(&'t ResourceType, &'o str),
}

/// Why an operation is about nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misdirected {
    /// There is nothing at the path.
    Nowhere,
    /// The path is no target of such an operation.
    Invalid(Invalid),
}

/// Endpoints that are no resources (S-7644-3.7-13).
const ELSEWHERE: [&str; 6] = [
    "Bulk",
    "Me",
    ".search",
    "ServiceProviderConfig",
    "Schemas",
    "ResourceTypes",
];

impl<'t, 'o> Target<'t, 'o> {
    /// The resource type.
    pub const fn kind(self) -> &'t ResourceType {
        match self {
            Self::New(kind) | Self::Existing(kind, _) => kind,
        }
    }

    /// The target of an operation.
    ///
    /// # Errors
    ///
    /// The path names nothing, or something that the method does not apply to.
    pub fn of(operation: &'o Operation, types: &'t [ResourceType]) -> Result<Self, Misdirected> {
        let path = operation.path.as_str();
        let invalid = |why: &str| {
            Err(Misdirected::Invalid(Invalid::value(format!(
                "path {}: {why}",
                shown(path)
            ))))
        };
        let relative = path.strip_prefix('/').unwrap_or(path);
        let (endpoint, id) = match relative.split_once('/') {
            Some((endpoint, id)) => (endpoint, Some(id).filter(|id| !id.is_empty())),
            None => (relative, None),
        };
        if endpoint.is_empty() {
            return invalid("it must name an endpoint or a resource");
        }
        if ELSEWHERE.contains(&endpoint) || id == Some(".search") {
            return invalid("operations of a bulk job cannot be about this");
        }
        let kind = types
            .iter()
            .find(|it| it.endpoint.strip_prefix('/') == Some(endpoint))
            .ok_or(Misdirected::Nowhere)?;
        match (operation.method, id) {
            (Method::Post, None) => Ok(Self::New(kind)),
            (Method::Post, Some(_)) => invalid("POST is about an endpoint"),
            (_, None) => invalid("the method is about a resource"),
            (_, Some(id)) => Ok(Self::Existing(kind, id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core;

    #[test]
    fn t_bulk_12_paths_lead_to_targets() {
        let types = [core::user(), core::group()];
        for (method, path, expected) in [
            (Method::Post, "/Users", "new User"),
            (Method::Post, "Groups/", "new Group"),
            (Method::Put, "/Users/7", "User 7"),
            (Method::Patch, "/Groups/bulkId:a/b", "Group bulkId:a/b"),
            (Method::Delete, "/Users/7", "User 7"),
            (Method::Post, "/Users/7", "invalid"),
            (Method::Delete, "/Users", "invalid"),
            (Method::Post, "/Bulk", "invalid"),
            (Method::Patch, "/Me", "invalid"),
            (Method::Post, "/Users/.search", "invalid"),
            (Method::Post, "/.search", "invalid"),
            (Method::Post, "", "invalid"),
            (Method::Post, "/", "invalid"),
            (Method::Delete, "/Schemas/urn:x", "invalid"),
            (Method::Post, "/Foo", "nowhere"),
            (Method::Put, "/users/7", "nowhere"),
            (Method::Post, "/scim/v2/Users", "nowhere"),
        ] {
            let operation = Operation {
                method,
                bulk_id: None,
                path: path.into(),
                version: None,
                data: None,
            };
            let found = match Target::of(&operation, &types) {
                Ok(Target::New(kind)) => format!("new {}", kind.name),
                Ok(Target::Existing(kind, id)) => format!("{} {id}", kind.name),
                Err(Misdirected::Nowhere) => "nowhere".into(),
                Err(Misdirected::Invalid(_)) => "invalid".into(),
            };
            assert_eq!(found, expected, "{} {path}", method.name());
        }
    }
}
