//! The scopes of service accounts, and what each opens.

use civitas_directory::{Role, Roles};
use serde_json::{Value, json};

use super::request::Verb;

/// Opens `/openidm`.
pub(super) const IDENTITY: &str = "fr:idm:*";
/// Opens `/am`.
pub(super) const ACCESS: &str = "fr:am:*";

/// Opens variables and secrets of the environment.
const ESV: &str = "fr:idc:esv:*";

/// The scopes that an account may be given.
const KNOWN: [&str; 27] = [
    ACCESS,
    IDENTITY,
    ESV,
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

/// Whether scopes, separated by blanks, open what is at a path for a verb.
pub(super) fn open(scopes: &str, path: &str, verb: &Verb) -> bool {
    let mut segments = path.split('/').skip(1);
    let fitting: &[&str] = match (segments.next(), segments.next()) {
        (Some("am"), _) => &[ACCESS],
        (Some("environment"), Some("variables" | "secrets" | "startup" | "count")) => {
            let is_restart = path.ends_with("/startup");
            match verb {
                verb if verb.reads() => &[IDENTITY, ESV, "fr:idc:esv:read"],
                _ if is_restart => &[IDENTITY, ESV, "fr:idc:esv:restart"],
                _ => &[IDENTITY, ESV, "fr:idc:esv:update"],
            }
        }
        // What every account may know.
        (Some("environment"), _) => return true,
        _ => &[IDENTITY],
    };
    scopes.split(' ').any(|it| fitting.contains(&it))
}

/// The scopes that an account may be given, as clients are told of them.
pub(super) fn described() -> Value {
    let narrower = |scope: &&str, wide: &str| {
        let stem = wide.strip_suffix('*').unwrap_or(wide);
        **scope != *wide && wide.ends_with(":*") && scope.starts_with(stem)
    };
    let told = |scope: &str| json!({ "scope": scope, "description": scope, "childScopes": [] });
    let is_within = |scope: &&str| KNOWN.iter().any(|wide| narrower(scope, wide));
    let wide = KNOWN.iter().filter(|it| !is_within(it));
    let described = wide.map(|wide| {
        let within = KNOWN.iter().filter(|it| narrower(it, wide));
        let mut told_wide = told(wide);
        told_wide["childScopes"] = within.map(|it| told(it)).collect();
        told_wide
    });
    described.collect()
}
