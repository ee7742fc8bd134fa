//! Jobs: work that goes on after its request was answered, and through restarts. What a job
//! does is known by its `kind` and `input`; its steps are told by the events of its changes,
//! whose request id is that of the job, a colon, and the number of the step (RFC 9967
//! §2.5.1.2). So whoever resumes a job knows what was done.
//!
//! A job whose input is long has it in parts. Parts are done one after the other; each that is
//! done is dropped, and leaves a row for each of its steps. So whoever resumes such a job looks
//! at the events of one part alone.

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
    /// All that is needed to do it, but for its parts, as text of whoever does it. Gone once
    /// it has ended.
    pub input: String,
    /// Steps that it has.
    pub steps: u64,
    /// Steps of the parts that are done.
    pub done: u64,
    /// When it was asked for.
    pub created: Timestamp,
    /// The tenant's last event then, or when its last part was done.
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

/// A part of what a job is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Parts are done in the order of their numbers.
    pub number: u64,
    /// What whoever asked for the job put in.
    pub content: Vec<u8>,
}

/// That a part of a job is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartDone {
    /// Its number.
    pub number: u64,
    /// The tenant's last event before the next part.
    pub since: Version,
    /// What came of its steps.
    pub rows: Vec<Row>,
}

/// What came of one step of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The number of the step.
    pub step: u64,
    /// What came of it, as text of whoever did it.
    pub text: String,
}

/// What of ended jobs is no longer kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forget {
    /// Results and rows of jobs that ended before this instant.
    pub results: Timestamp,
    /// All that is known of jobs that ended before this one.
    pub jobs: Timestamp,
}
