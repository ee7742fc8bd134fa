//! What a stored job of comma-separated values is to do.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    super::{fault::Fault, kind::Kind, status},
    Asker, JobType,
    column::{self, Column},
};

/// The input of a job, with what only imports, or only exports, are told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Input<T> {
    #[serde(flatten)]
    pub(super) asker: Asker,
    #[serde(rename = "jobType")]
    pub(super) job_type: String,
    pub(super) parameters: Value,
    /// Heads of the columns.
    pub(super) heads: Vec<String>,
    #[serde(flatten)]
    pub(super) told: T,
}

/// An input that was read.
pub(super) struct Opened<T> {
    pub(super) input: Input<T>,
    pub(super) kind: Kind,
    pub(super) columns: Vec<Column>,
    /// What the result of the job begins with.
    pub(super) result: Value,
}

impl<T: DeserializeOwned> Input<T> {
    /// Reads what is stored.
    ///
    /// # Errors
    /// The result of a job whose input cannot be read.
    pub(super) fn open(stored: &str) -> Result<Opened<T>, Value> {
        let input = serde_json::from_str::<Self>(stored).ok();
        let job_type = input.as_ref().and_then(|it| JobType::named(&it.job_type));
        let Some((input, job_type)) = input.zip(job_type) else {
            let fault = Fault::payload("The stored job cannot be read.");
            return Err(status::told(&fault).1);
        };
        let mut result = json!({ "jobType": input.job_type, "parameters": input.parameters });
        let kind = job_type.kind();
        match column::of_heads(kind, &input.heads) {
            Ok(columns) => Ok(Opened {
                input,
                kind,
                columns,
                result,
            }),
            Err(fault) => {
                result["error"] = status::told(&fault).1;
                Err(result)
            }
        }
    }
}
