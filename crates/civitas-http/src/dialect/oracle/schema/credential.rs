//! What users prove themselves by beside passwords.

use serde_json::{Value, json};

use super::{SELF_CHANGE, Schema};
use crate::attribute::{Attribute, boolean, complex, instant, list, text};
use crate::dialect::oracle::attribute::link;

/// The attribute that is unique where a user has only so many of a type: the user and a number.
pub(in super::super) const SLOT: &str = "slot";

/// The attribute that is unique where a user has a thing only once: the user and what it is.
pub(in super::super) const ONCE: &str = "once";

/// Definitions of what every type of credentials is kept with beside its own attributes, and the
/// names of those that are searched by.
pub(in super::super) fn kept() -> (Vec<Value>, &'static [&'static str]) {
    let exact = |name: &str| json!({ "name": name, "type": "string", "caseExact": true });
    let unique = |name: &str| {
        let mut attribute = exact(name);
        attribute["uniqueness"] = "server".into();
        attribute
    };
    let mut owner = exact(civitas_directory::belonging::ATTRIBUTE);
    owner["required"] = true.into();
    let attributes = vec![owner, unique(SLOT), unique(ONCE)];
    (attributes, &[civitas_directory::belonging::ATTRIBUTE])
}

const OWNER: Attribute = complex(
    "user",
    &[
        text("value").exact().searchable(),
        text("ocid").exact(),
        link(),
        text("display").read_only(),
        text("name").read_only(),
    ],
)
.immutable()
.searchable();

const SELF: Schema = Schema {
    uri: SELF_CHANGE,
    name: "SelfChange",
    attributes: &[boolean("allowSelfChange").write_only().never()],
};

macro_rules! urn {
    ($name:literal) => {
        concat!("urn:ietf:params:scim:schemas:oracle:idcs:", $name)
    };
}

pub(in super::super) const API_KEY: &[Schema] = &[
    Schema {
        uri: urn!("apikey"),
        name: "ApiKey",
        attributes: &[
            text("key").required().exact().immutable(),
            text("fingerprint").exact().made().searchable(),
            text("description"),
            OWNER,
        ],
    },
    SELF,
];

pub(in super::super) const AUTH_TOKEN: &[Schema] = &[
    Schema {
        uri: urn!("authToken"),
        name: "AuthToken",
        attributes: &[
            text("description"),
            text("token").exact().read_only(),
            instant("expiresOn").immutable().searchable(),
            text("status").never(),
            OWNER,
        ],
    },
    SELF,
];

pub(in super::super) const CUSTOMER_SECRET_KEY: &[Schema] = &[
    Schema {
        uri: urn!("customerSecretKey"),
        name: "CustomerSecretKey",
        attributes: &[
            text("displayName").searchable(),
            text("description"),
            text("accessKey").exact().made().searchable(),
            text("secretKey").exact().read_only(),
            instant("expiresOn").immutable().searchable(),
            text("status").never(),
            OWNER,
        ],
    },
    SELF,
];

pub(in super::super) const SMTP_CREDENTIAL: &[Schema] = &[
    Schema {
        uri: urn!("smtpCredential"),
        name: "SmtpCredential",
        attributes: &[
            text("description"),
            text("userName").exact().made().searchable(),
            text("password").exact().read_only(),
            instant("expiresOn").immutable().searchable(),
            text("status").never(),
            OWNER,
        ],
    },
    SELF,
];

pub(in super::super) const OAUTH2_CLIENT_CREDENTIAL: &[Schema] = &[
    Schema {
        uri: urn!("oauth2ClientCredential"),
        name: "OAuth2ClientCredential",
        attributes: &[
            text("name").required().searchable(),
            text("description"),
            list(
                "scopes",
                &["audience", "scope"],
                &[
                    text("audience").required().exact(),
                    text("scope").required().exact(),
                ],
            )
            .required(),
            boolean("isResetSecret").write_only().never(),
            text("secret").exact().read_only(),
            instant("expiresOn").immutable().searchable(),
            text("status").never(),
            OWNER,
        ],
    },
    SELF,
];
