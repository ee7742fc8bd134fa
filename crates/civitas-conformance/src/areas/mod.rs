//! The cases, one file per area of the protocol.

mod bearer;
mod bulk;
mod clients;
mod cursors;
mod discovery;
mod errors;
mod filters;
mod groups;
mod http;
mod managers;
mod paging;
mod patch;
mod projection;
mod search;
mod sorting;
mod users;
mod versions;
mod write;

use crate::case::Case;

/// Every case, area by area.
pub(crate) fn all() -> Vec<Case> {
    [
        discovery::cases(),
        bearer::cases(),
        http::cases(),
        errors::cases(),
        write::cases(),
        users::cases(),
        versions::cases(),
        patch::cases(),
        groups::cases(),
        managers::cases(),
        filters::cases(),
        sorting::cases(),
        paging::cases(),
        cursors::cases(),
        projection::cases(),
        search::cases(),
        bulk::cases(),
        clients::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
