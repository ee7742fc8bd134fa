//! What is told of requests that were answered before they were done (RFC 9967 §2.5.1).

use civitas_scim::messages::urn;
use serde_json::{Map, Value, json};

use crate::job::Job;

/// Where requests that become jobs are sent to, below the base.
const BULK: &str = "/Bulk";

/// A request, or an operation of it, that is done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Completed {
    /// The transaction that the answer named, and of an operation its number.
    pub(crate) txn: String,
    /// What it was about, below the base.
    pub(crate) uri: String,
    /// What came of it, as in a bulk response.
    pub(crate) payload: Value,
}

/// What is told of a job with that result: of each operation of a bulk request
/// (§2.5.1.2), or of the request when it was refused as a whole. Nothing of work that no SCIM
/// request began.
pub(crate) fn of(job: &Job, result: &str) -> Vec<Completed> {
    let result: Value = serde_json::from_str(result).unwrap_or_default();
    let message = result["schemas"][0].as_str().unwrap_or_default();
    match message {
        urn::BULK_RESPONSE => operations(job, &result),
        urn::ERROR => vec![Completed {
            txn: job.id.clone(),
            uri: BULK.to_owned(),
            payload: json!({ "method": "POST", "status": result["status"], "response": result }),
        }],
        _ => Vec::new(),
    }
}

fn operations(job: &Job, result: &Value) -> Vec<Completed> {
    let operations = result["Operations"].as_array().into_iter().flatten();
    let completed = operations.enumerate().map(|(number, operation)| {
        let members = operation.as_object().cloned().unwrap_or_default();
        let location = operation["location"].as_str();
        Completed {
            txn: format!("{}:{number}", job.id),
            uri: location.map_or(BULK.to_owned(), path),
            payload: payload(members),
        }
    });
    completed.collect()
}

/// `txn` tells one operation from another; `bulkId` is for the request alone (§2.5.1.2).
fn payload(mut members: Map<String, Value>) -> Value {
    members.shift_remove("bulkId");
    Value::Object(members)
}

/// The endpoint and the id of a resource that is at a URL.
fn path(location: &str) -> String {
    let mut segments = location.rsplitn(3, '/');
    let (id, endpoint) = (segments.next(), segments.next());
    format!(
        "/{}/{}",
        endpoint.unwrap_or_default(),
        id.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Timestamp, Version};

    #[test]
    fn operations_are_told_one_by_one() {
        let job = Job {
            id: "j".into(),
            kind: "scim.bulk".into(),
            actor: "client:a".into(),
            input: String::new(),
            steps: 2,
            done: 0,
            created: Timestamp(0),
            since: Version(0),
            cancelled: false,
            end: None,
        };
        let refused = json!({ "schemas": [urn::ERROR], "status": "409" });
        let result = json!({ "schemas": [urn::BULK_RESPONSE], "Operations": [
            { "method": "POST", "bulkId": "x", "location": "https://a.example/scim/v2/Users/7",
              "version": "W/\"1\"", "status": "201" },
            { "method": "POST", "bulkId": "y", "status": "409", "response": refused },
        ]});
        let told = of(&job, &result.to_string());
        let expected = [
            Completed {
                txn: "j:0".into(),
                uri: "/Users/7".into(),
                payload: json!({ "method": "POST", "version": "W/\"1\"", "status": "201",
                    "location": "https://a.example/scim/v2/Users/7" }),
            },
            Completed {
                txn: "j:1".into(),
                uri: "/Bulk".into(),
                payload: json!({ "method": "POST", "status": "409", "response": refused }),
            },
        ];
        assert_eq!(told, expected);
        let whole = of(&job, &refused.to_string());
        assert_eq!((whole.len(), whole[0].txn.as_str()), (1, "j"));
        assert_eq!(whole[0].payload["response"], refused);
        assert_eq!(of(&job, r#"{"created":1,"failed":0}"#), []);
        assert_eq!(of(&job, ""), []);
    }
}
