//! The cases, one file per area of the protocol.

mod bearer;
mod bulk;
mod clients;
mod compare;
mod create;
mod cursors;
mod custom;
mod discovery;
mod errors;
mod events;
mod filters;
mod groups;
mod http;
mod limits;
mod managers;
mod me;
mod media;
mod outside;
mod paging;
mod patch;
mod prefer;
mod projection;
mod replace;
mod search;
mod sorting;
mod tenants;
mod users;
mod versions;

use crate::case::Case;

/// Every case, area by area.
pub(crate) fn all() -> Vec<Case> {
    [
        discovery::cases(),
        custom::cases(),
        bearer::cases(),
        http::cases(),
        media::cases(),
        prefer::cases(),
        limits::cases(),
        outside::cases(),
        errors::cases(),
        create::cases(),
        replace::cases(),
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
        events::cases(),
        me::cases(),
        tenants::cases(),
        clients::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
