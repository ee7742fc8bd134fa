//! The messages of the delta read: what changed since a token. No standard describes one yet;
//! these are messages of this server.

use serde_json::Value;

use crate::{
    Invalid,
    messages::{SearchRequest, member, message, string},
    tolerance::Tolerance,
};

/// The URIs of the messages.
pub mod urn {
    /// A token to begin with.
    pub const TOKEN: &str = "urn:civitas:params:scim:api:messages:1.0:DeltaToken";
    /// The question what changed since a token.
    pub const REQUEST: &str = "urn:civitas:params:scim:api:messages:1.0:DeltaRequest";
    /// One changed resource.
    pub const RESPONSE: &str = "urn:civitas:params:scim:api:messages:1.0:DeltaResponse";
}

/// The question what changed since a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaRequest {
    /// The token.
    pub token: String,
    /// Which part of the changes to return, and what of each resource: `count`, `cursor` and
    /// the projection. There is neither filter nor order.
    pub search: SearchRequest,
}

impl DeltaRequest {
    /// Reads the body of a POST to `.delta`.
    ///
    /// # Errors
    ///
    /// `invalidSyntax` if it is no `DeltaRequest`; `invalidValue` without a token, with a
    /// filter, an order or a start index, and for members of the wrong type.
    pub fn parse(body: &Value, tolerance: &Tolerance) -> Result<Self, Invalid> {
        let body = message(body, urn::REQUEST)?;
        for name in ["filter", "sortBy", "sortOrder", "startIndex"] {
            if member(body, name).is_some() {
                return Err(Invalid::value(format!("{name} does not apply to changes")));
            }
        }
        let token = member(body, "deltaToken")
            .ok_or_else(|| Invalid::value("deltaToken is missing; .deltaToken gives one"))?;
        Ok(Self {
            token: string("deltaToken", token)?,
            search: SearchRequest::read(body, &["schemas", "deltaToken"], tolerance)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ScimType;

    fn parse(mut body: Value) -> Result<DeltaRequest, Invalid> {
        body["schemas"] = json!([urn::REQUEST]);
        DeltaRequest::parse(&body, &Tolerance::strict())
    }

    #[test]
    fn a_request_has_a_token_and_a_page() {
        let request = parse(json!({"deltaToken": "t", "count": 5, "cursor": "c"})).unwrap();
        assert_eq!(request.token, "t");
        let search = request.search;
        assert_eq!(
            (search.count, search.cursor.as_deref()),
            (Some(5), Some("c"))
        );
        for body in [
            json!({}),
            json!({"deltaToken": 1}),
            json!({"deltaToken": "t", "filter": "id pr"}),
            json!({"deltaToken": "t", "sortBy": "id"}),
            json!({"deltaToken": "t", "startIndex": 1}),
            json!({"deltaToken": "t", "other": 1}),
        ] {
            let refused = parse(body.clone()).unwrap_err();
            assert_eq!(refused.scim_type, ScimType::InvalidValue, "{body}");
        }
        let search = json!({"schemas": ["x"], "deltaToken": "t"});
        let refused = DeltaRequest::parse(&search, &Tolerance::strict()).unwrap_err();
        assert_eq!(refused.scim_type, ScimType::InvalidSyntax);
    }
}
