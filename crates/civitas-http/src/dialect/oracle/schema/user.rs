//! Users.

use civitas_scim::schema::{Uniqueness, urn};

use super::{CAPABILITIES, SELF_CHANGE, Schema, USER_EXTENSION, USER_STATE, common, extension};
use crate::attribute::{Attribute, boolean, complex, instant, integer, list, text};
use crate::dialect::oracle::attribute::link;

/// The base schema and the extensions.
pub(in super::super) const SCHEMAS: &[Schema] = &[
    Schema {
        uri: urn::USER,
        name: "User",
        attributes: CORE,
    },
    Schema {
        uri: USER_STATE,
        name: "UserState",
        attributes: &[complex(
            "locked",
            &[
                boolean("on").made(),
                integer("reason").made(),
                instant("lockDate").made(),
            ],
        )
        .made()],
    },
    Schema {
        uri: USER_EXTENSION,
        name: "UserExtension",
        attributes: EXTENSION,
    },
    Schema {
        uri: CAPABILITIES,
        name: "Capabilities",
        attributes: &[
            boolean("canUseApiKeys"),
            boolean("canUseAuthTokens"),
            boolean("canUseConsolePassword"),
            boolean("canUseConsole"),
            boolean("canUseCustomerSecretKeys"),
            boolean("canUseOAuth2ClientCredentials"),
            boolean("canUseSmtpCredentials"),
            boolean("canUseDbCredentials"),
        ],
    },
    Schema {
        uri: extension!("mfa:User"),
        name: "Mfa",
        attributes: &[
            text("preferredAuthenticationFactor").searchable().of(&[
                "EMAIL",
                "SMS",
                "TOTP",
                "PUSH",
                "OFFLINETOTP",
                "USERNAME_PASSWORD",
                "SECURITY_QUESTIONS",
                "VOICE",
                "PHONE_CALL",
                "THIRDPARTY",
                "FIDO_AUTHENTICATOR",
                "YUBICO_OTP",
            ]),
            text("preferredThirdPartyVendor").searchable(),
            text("preferredAuthenticationMethod"),
            text("mfaIgnoredApps").many().searchable(),
        ],
    },
    Schema {
        uri: extension!("adaptive:User"),
        name: "Adaptive",
        attributes: &[
            text("riskLevel")
                .on_request()
                .searchable()
                .of(&["LOW", "MEDIUM", "HIGH"]),
            list(
                "riskScores",
                &["value"],
                &[
                    text("value").required().exact(),
                    link(),
                    text("source"),
                    text("status"),
                    integer("score"),
                    text("riskLevel").of(&["LOW", "MEDIUM", "HIGH"]),
                    instant("lastUpdateTimestamp"),
                ],
            )
            .on_request(),
        ],
    },
    Schema {
        uri: extension!("passwordless:User"),
        name: "Passwordless",
        attributes: &[
            text("factorType"),
            text("factorMethod"),
            complex(
                "factorIdentifier",
                &[text("value").required().exact(), link(), text("display")],
            ),
        ],
    },
    Schema {
        uri: extension!("posix:User"),
        name: "Posix",
        attributes: &[
            integer("uidNumber").searchable().unique(Uniqueness::Server),
            integer("gidNumber"),
            text("gecos"),
            text("homeDirectory").exact(),
            text("loginShell").exact().on_request(),
        ],
    },
    Schema {
        uri: extension!("dbUser:User"),
        name: "DbUser",
        attributes: &[
            boolean("isDbUser"),
            text("domainLevelSchema"),
            text("instanceLevelSchema"),
            text("dbGlobalRoles").many(),
        ],
    },
    Schema {
        uri: extension!("dbCredentials:User"),
        name: "DbCredentials",
        attributes: &[text("dbUserName")],
    },
    Schema {
        uri: SELF_CHANGE,
        name: "SelfChange",
        attributes: &[boolean("allowSelfChange").write_only().never()],
    },
    Schema {
        uri: extension!("OCITags"),
        name: "OCITags",
        attributes: common::OCI_TAGS,
    },
    Schema {
        uri: urn::ENTERPRISE_USER,
        name: "EnterpriseUser",
        attributes: &[
            text("employeeNumber").searchable(),
            text("costCenter").searchable(),
            text("organization").searchable(),
            text("division").searchable(),
            text("department").searchable(),
            complex(
                "manager",
                &[
                    text("value").exact().searchable(),
                    link(),
                    text("displayName").read_only(),
                ],
            ),
        ],
    },
];

const EXTENSION: &[Attribute] = &[
    boolean("isFederatedUser").searchable(),
    text("provider")
        .immutable()
        .searchable()
        .of(&["facebook", "google", "IDCS", "twitter"]),
    text("creationMechanism")
        .immutable()
        .on_request()
        .searchable()
        .of(&[
            "bulk", "api", "adsync", "idcsui", "import", "authsync", "selfreg", "samljit",
        ]),
    text("preferredUiLandingPage").of(&["MyApps", "MyProfile", "OciConsole"]),
    boolean("doNotShowGettingStarted").searchable(),
    boolean("serviceUser").immutable().searchable(),
    boolean("bypassNotification").immutable().never(),
    boolean("userFlowControlledByExternalClient")
        .immutable()
        .never(),
    boolean("isAuthenticationDelegated").immutable().never(),
    text("notificationEmailTemplateId").write_only().never(),
    boolean("accountRecoveryRequired").on_request(),
    complex(
        "syncedFromApp",
        &[
            text("value").required().exact(),
            text("type").of(&["IdentitySource", "App", "IdentityProvider"]),
            link(),
            text("display").read_only(),
        ],
    ),
];

const CORE: &[Attribute] = &[
    text("userName")
        .required()
        .always()
        .searchable()
        .unique(Uniqueness::Global),
    complex(
        "name",
        &[
            text("formatted").searchable(),
            text("familyName").searchable(),
            text("givenName").searchable(),
            text("middleName").searchable(),
            text("honorificPrefix").searchable(),
            text("honorificSuffix").searchable(),
        ],
    ),
    text("displayName").searchable(),
    text("nickName").searchable(),
    text("profileUrl").searchable(),
    text("title").searchable(),
    text("description"),
    text("userType").searchable().of(&[
        "Contractor",
        "Employee",
        "Intern",
        "Temp",
        "External",
        "Service",
        "Generic",
    ]),
    text("locale").searchable(),
    text("preferredLanguage").searchable(),
    text("timezone").searchable(),
    boolean("active").searchable(),
    text("password").write_only().never(),
    list(
        "emails",
        &["value", "type"],
        &[
            text("value").required().searchable(),
            text("type")
                .required()
                .searchable()
                .of(&["work", "home", "other", "recovery"]),
            boolean("primary").searchable(),
            boolean("secondary"),
            boolean("verified"),
        ],
    ),
    list(
        "phoneNumbers",
        &["value", "type"],
        &[
            text("value").required().searchable(),
            text("type").required().searchable().of(&[
                "work", "home", "mobile", "fax", "pager", "other", "recovery",
            ]),
            boolean("primary").searchable(),
            text("display").read_only(),
            boolean("verified").read_only(),
        ],
    ),
    list(
        "ims",
        &["value", "type"],
        &[
            text("value").required().searchable(),
            text("type")
                .required()
                .searchable()
                .of(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
            boolean("primary"),
            text("display"),
        ],
    ),
    list(
        "photos",
        &["value", "type"],
        &[
            text("value").required().exact(),
            text("type").required().of(&["photo", "thumbnail"]),
            boolean("primary"),
            text("display"),
        ],
    ),
    list(
        "addresses",
        &["type"],
        &[
            text("formatted").searchable(),
            text("streetAddress").searchable(),
            text("locality").searchable(),
            text("region").searchable(),
            text("postalCode").searchable(),
            text("country").searchable(),
            text("type")
                .required()
                .searchable()
                .of(&["work", "home", "other"]),
            boolean("primary").searchable(),
        ],
    ),
    list(
        "groups",
        &["value"],
        &[
            text("value").exact().always().read_only().searchable(),
            text("ocid").exact().read_only(),
            link(),
            text("display").read_only().searchable(),
            text("nonUniqueDisplayName").read_only(),
            text("externalId").read_only(),
            text("type")
                .read_only()
                .on_request()
                .of(&["direct", "indirect"]),
            text("membershipOcid").exact().read_only(),
            instant("dateAdded").read_only(),
        ],
    )
    .read_only()
    .on_request(),
    list(
        "entitlements",
        &["value", "type"],
        &[
            text("value").required().searchable(),
            text("type").required(),
            boolean("primary"),
            text("display"),
        ],
    ),
    list(
        "roles",
        &["value", "type"],
        &[
            text("value").required().searchable(),
            text("type").required(),
            boolean("primary"),
            text("display"),
        ],
    ),
    list(
        "x509Certificates",
        &["value"],
        &[
            text("value").required().exact(),
            text("type"),
            boolean("primary"),
            text("display"),
        ],
    ),
];
