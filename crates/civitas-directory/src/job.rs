//! Jobs: work that goes on after its request was answered, and through restarts. What a job
//! does is known by its `kind` and `input`; its steps are told by the events of its changes,
//! whose request id is that of the job, a colon, and the number of the step (RFC 9967
//! §2.5.1.2). So whoever resumes a job knows what was done.

use crate::record::{Timestamp, Version};

/// A job as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id, unique in its tenant.
    pub id: String,
    /// What kind of work it is.
    pub kind: String,
    /// Who asked for it.
    pub actor: String,
    /// All that is needed to do it, as text of whoever does it. Gone once it has ended.
    pub input: String,
    /// Steps that it has.
    pub steps: u64,
    /// When it was asked for.
    pub created: Timestamp,
    /// The tenant's last event then.
    pub since: Version,
    /// Whether somebody has asked it to end before its time, while it is open.
    pub cancelled: bool,
    /// How it ended, once it has.
    pub end: Option<End>,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// Whether somebody ended it before its time.
    pub cancelled: bool,
    /// What came of it, as text of whoever did it.
    pub result: String,
}
