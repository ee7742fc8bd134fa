//! The bulk response as it stands on the wire (RFC 7644 §3.7.3).

use serde::Serialize;
use serde_json::value::RawValue;

use crate::messages::urn;

/// What became of one operation.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answered {
    /// The method.
    pub method: &'static str,
    /// The `bulkId` that the operation was sent with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk_id: Option<String>,
    /// URL of the resource; `None` for a POST that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Entity tag of the state after a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The status code. A string: that is how all examples but one write it
    /// (S-7644-3.7.3-02).
    pub status: String,
    /// The error message of an operation that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Box<RawValue>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response<'r> {
    #[serde(rename = "schemas")]
    schemas: [&'static str; 1],
    operations: &'r [Answered],
}

/// A `BulkResponse`.
pub fn response(operations: &[Answered]) -> Vec<u8> {
    let message = Response {
        schemas: [urn::BULK_RESPONSE],
        operations,
    };
    // Texts and lists of them are always JSON.
    serde_json::to_vec(&message).unwrap_or_default()
}
