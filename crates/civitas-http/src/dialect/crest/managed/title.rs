//! How properties are presented: the titles, and where consoles show them.

use super::kind::Kind;

/// A property's name, its title, and letters for what it is: `v`iewable, `s`earchable,
/// user-`e`ditable, `p`ersonal.
type Row = (&'static str, &'static str, &'static str);

/// How a property is presented.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "as it is published")]
pub(super) struct Presented {
    pub(super) title: String,
    pub(super) viewable: bool,
    pub(super) searchable: bool,
    pub(super) editable: bool,
    pub(super) personal: bool,
}

const USER: &[Row] = &[
    ("_id", "User ID", ""),
    ("userName", "Username", "vsep"),
    ("password", "Password", "e"),
    ("givenName", "First Name", "vsep"),
    ("cn", "Common Name", "sp"),
    ("sn", "Last Name", "vsep"),
    ("mail", "Email Address", "vsep"),
    ("profileImage", "Profile Image", "ep"),
    ("description", "Description", "ve"),
    ("accountStatus", "Status", "v"),
    ("telephoneNumber", "Telephone Number", "vsep"),
    ("postalAddress", "Address 1", "vep"),
    ("city", "City", "ve"),
    ("postalCode", "Postal Code", "ve"),
    ("country", "Country", "ve"),
    ("stateProvince", "State/Province", "ve"),
    ("effectiveRoles", "Effective Roles", ""),
    ("effectiveAssignments", "Effective Assignments", ""),
    ("effectiveGroups", "Effective Groups", ""),
    ("effectiveApplications", "Effective Applications", ""),
    ("lastSync", "Last Sync timestamp", ""),
    ("kbaInfo", "KBA Info", "ep"),
    ("preferences", "Preferences", "ve"),
    ("consentedMappings", "Consented Mappings", "e"),
    ("memberOfOrgIDs", "MemberOfOrgIDs", ""),
    (
        "passwordLastChangedTime",
        "Password Last Changed Time",
        "vs",
    ),
    ("passwordExpirationTime", "Password Expiration Time", "vs"),
    ("assignedDashboard", "Assigned Dashboard", "v"),
    ("devicePrintProfiles", "Device Print Profiles", "ve"),
    ("deviceProfiles", "Device Profiles", "ve"),
    ("oathDeviceProfiles", "Oath Device Profiles", "ve"),
    ("pushDeviceProfiles", "Push Device Profiles", "ve"),
    ("webauthnDeviceProfiles", "Web AuthN Device Profiles", "ve"),
    ("aliasList", "User Alias Names List", "e"),
];

const ROLE: &[Row] = &[
    ("_id", "Name", ""),
    ("name", "Name", "vs"),
    ("description", "Description", "vs"),
    ("condition", "Condition", ""),
    ("temporalConstraints", "Temporal Constraints", ""),
];

const ASSIGNMENT: &[Row] = &[
    ("_id", "Name", ""),
    ("name", "Name", "vs"),
    ("description", "Description", "vs"),
    ("type", "Type", "v"),
    ("mapping", "Mapping", "vs"),
    ("attributes", "Assignment Attributes", "v"),
    ("linkQualifiers", "Link Qualifiers", "v"),
    ("condition", "Condition", ""),
    ("weight", "Weight", "v"),
];

const ORGANIZATION: &[Row] = &[
    ("name", "Name", "vse"),
    ("description", "Description", "vse"),
    ("adminIDs", "Admin user ids", ""),
    ("ownerIDs", "Owner user ids", ""),
    ("parentAdminIDs", "user ids of parent admins", ""),
    ("parentOwnerIDs", "user ids of parent owners", ""),
    ("parentIDs", "parent org ids", ""),
];

const GROUP: &[Row] = &[
    ("_id", "Group ID", ""),
    ("name", "Name", "vs"),
    ("description", "Description", "vs"),
    ("condition", "Condition", ""),
];

/// How the property of that name is presented. What nobody has given a title has its name.
pub(super) fn of(kind: Kind, name: &str) -> Presented {
    let rows = match kind {
        Kind::User => USER,
        Kind::Group => GROUP,
        Kind::Custom => &[],
        Kind::Role | Kind::InternalRole => ROLE,
        Kind::Assignment => ASSIGNMENT,
        Kind::Organization => ORGANIZATION,
    };
    if let Some((_, title, flags)) = rows.iter().find(|(it, ..)| *it == name) {
        return presented((*title).to_owned(), flags);
    }
    match numbered(name) {
        Some((title, true)) => presented(title, "vse"),
        Some((title, false)) => presented(title, "ve"),
        None => presented(name.to_owned(), "v"),
    }
}

fn presented(title: String, flags: &str) -> Presented {
    Presented {
        title,
        viewable: flags.contains('v'),
        searchable: flags.contains('s'),
        editable: flags.contains('e'),
        personal: flags.contains('p'),
    }
}

/// The title of a numbered attribute, `frIndexedMultivalued3`, and whether it is indexed.
fn numbered(name: &str) -> Option<(String, bool)> {
    let rest = name.strip_prefix("fr")?;
    let (rest, indexed) = match rest.strip_prefix("Unindexed") {
        Some(rest) => (rest, false),
        None => (rest.strip_prefix("Indexed")?, true),
    };
    let family = rest.trim_end_matches(|it: char| it.is_ascii_digit());
    let number = &rest[family.len()..];
    let word = if family == "Multivalued" {
        "Multivalue"
    } else {
        family
    };
    let kind = if indexed { "Indexed" } else { "Unindexed" };
    Some((format!("Generic {kind} {word} {number}"), indexed))
}
