//! Where SCIM as the RFCs describe it and SCIM as large services and clients do it differ.
//! Each difference is one row of [`DIFFERENCES`] and one function that decides.

use civitas_directory::Fidelity;

use crate::outcomes::Difference;

/// All differences.
pub(crate) const DIFFERENCES: &[Difference] = &[Difference {
    situation: "PATCH of a group that leaves open what to answer",
    documented: "200 with the group (RFC 7644 §3.5.2), while it has at most 100 members",
    observed: "204: what provisioning clients prefer, as they never read a membership back",
}];

/// Whether a change of a group is answered without content unless the caller asks for it.
pub(super) fn silent_about_groups(fidelity: Fidelity) -> bool {
    fidelity == Fidelity::Observed
}
