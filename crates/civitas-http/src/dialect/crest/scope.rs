//! The scopes of service accounts, and what each opens.

use civitas_directory::{Role, Roles};

/// Opens `/openidm`.
pub(super) const IDENTITY: &str = "fr:idm:*";
/// Opens `/am`.
pub(super) const ACCESS: &str = "fr:am:*";

/// The scopes that an account may be given.
const KNOWN: [&str; 27] = [
    ACCESS,
    IDENTITY,
    "fr:idc:esv:*",
    "fr:idc:esv:read",
    "fr:idc:esv:update",
    "fr:idc:esv:restart",
    "fr:idc:analytics:*",
    "fr:idc:certificate:*",
    "fr:idc:certificate:read",
    "fr:idc:content-security-policy:*",
    "fr:idc:cookie-domain:*",
    "fr:idc:custom-domain:*",
    "fr:idc:dataset:*",
    "fr:idc:direct-configuration:session:*",
    "fr:idc:mtls:*",
    "fr:idc:promotion:*",
    "fr:idc:proxy-connect:*",
    "fr:idc:proxy-connect:read",
    "fr:idc:proxy-connect:write",
    "fr:idc:release:*",
    "fr:idc:sso-cookie:*",
    "fr:idc:telemetry:*",
    "fr:idc:ws:admin",
    "fr:idc:federation:*",
    "fr:idc:federation:read",
    "fr:autoaccess:*",
    "fr:iga:*",
];

/// Whether there is such a scope.
pub(super) fn is_known(scope: &str) -> bool {
    KNOWN.contains(&scope)
}

/// What a token with the scopes may do in the directory.
pub(super) fn roles(scopes: &[&str]) -> Roles {
    if scopes.contains(&IDENTITY) {
        Roles::NONE.with(Role::Administer)
    } else {
        Roles::NONE
    }
}

/// Whether scopes, separated by blanks, open what is at a path.
pub(super) fn open(scopes: &str, path: &str) -> bool {
    let needed = match path.split('/').nth(1) {
        Some("am") => ACCESS,
        _ => IDENTITY,
    };
    scopes.split(' ').any(|it| it == needed)
}
