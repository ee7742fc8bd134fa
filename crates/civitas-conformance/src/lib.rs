//! A black-box judge of SCIM 2.0 servers, and of other surfaces of a directory ([`Suite`]).
//!
//! It speaks to a server over HTTP only, so it can judge any implementation.
//! Each [`Case`] cites the rules it checks; [`run`] plays the selected cases and
//! reports what each concluded. Where the RFCs leave a choice the judge holds
//! one reading, so a failure at such a line is a question before it is a defect.
//!
//! Cases create their own resources under names no other run uses, and delete
//! them again: a server with data in it may be judged.

mod account;
mod areas;
mod case;
mod crest;
mod exchange;
mod ledger;
mod oracle;
mod report;
mod sap;
mod session;
mod tally;
mod totp;
mod urn;
mod verdict;
mod wire;

pub use account::{Account, As, Role, Target};
pub use case::{Case, Select, Suite, cases, judge, run};
pub use exchange::Exchange;
pub use ledger::{Level, Line, lines};
pub use report::{Outcome, Report};
pub use session::Session;
pub use tally::{Standing, Tally};
pub use verdict::{Unmet, Verdict};
pub use wire::Credential;
