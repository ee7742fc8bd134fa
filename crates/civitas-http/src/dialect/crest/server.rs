//! `/am/json/serverinfo`: what clients ask before they sign in.

use serde_json::json;

use super::{access, call::Call, fault::Failure};
use crate::reply::Reply;

/// `*`: what a client needs to know of a realm.
pub(super) fn info(call: &Call<'_>, realm: &str) -> Result<Reply, Failure> {
    let info = json!({
        "_id": "*",
        "_rev": "1",
        "domains": [],
        "protectedUserAttributes": ["telephoneNumber", "mail"],
        "cookieName": access::COOKIE,
        "secureCookie": true,
        "forgotPassword": "false",
        "forgotUsername": "false",
        "kbaEnabled": "false",
        "selfRegistration": "false",
        "lang": "en-US",
        "successfulUserRegistrationDestination": "default",
        "socialImplementations": [],
        "referralsEnabled": "false",
        "zeroPageLogin": {
            "enabled": true, "refererWhitelist": [], "allowedWithoutReferer": true,
        },
        "realm": realm,
        "xuiUserSessionValidationEnabled": true,
        "fileBasedConfiguration": true,
        "userIdAttributes": [],
        "cloudOnlyFeaturesEnabled": true,
    });
    super::info::read_only(call, &info)
}

/// `version`: clients take a number of three parts for that of the service.
pub(super) fn version(call: &Call<'_>) -> Result<Reply, Failure> {
    let number = env!("CARGO_PKG_VERSION");
    let version = json!({
        "_id": "version",
        "_rev": "1",
        "version": number,
        "fullVersion": format!("Civitas {number}"),
        "revision": number,
        "date": "",
    });
    super::info::read_only(call, &version)
}
