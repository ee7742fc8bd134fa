//! Answers on order, in SCIM's words.

use civitas_directory::Error;
use civitas_scim::{Invalid, ScimType};
use http::StatusCode;

use super::status;
use crate::{ordered::Ordered, refusal::Refusal, reply::Reply};

/// A documented status other than success, as the table words it, for those who order it;
/// `None` for one that SCIM does not document. Which of several refusals it is, the
/// `scimType` decides.
pub(crate) fn rehearsed(ordered: Ordered<'_>) -> Option<Result<Reply, Refusal>> {
    let scim_type = ordered.keyword;
    let refusal = match ordered.status {
        304 => return Some(Ok(Reply::empty(StatusCode::NOT_MODIFIED))),
        400 | 403 | 409 if scim_type.is_some() => {
            let keyword = ScimType::ALL
                .into_iter()
                .find(|it| Some(it.keyword()) == scim_type)?;
            let invalid = Invalid::new(keyword, "as ordered");
            Refusal::Directory(Error::Invalid(invalid))
        }
        _ if scim_type.is_some() => return None,
        409 => Refusal::Directory(Error::Taken {
            path: "userName".into(),
        }),
        _ => ordered.refusal()?,
    };
    // What the table words otherwise is not what was ordered.
    (status::of(refusal.outcome()).as_u16() == ordered.status).then_some(Err(refusal))
}
