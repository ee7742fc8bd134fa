//! What the product knows of users.

use civitas_scim::schema::Uniqueness;

use super::Schema;
use crate::attribute::{boolean, complex, instant, integer, text};

pub(super) const SAP: Schema = Schema {
    uri: "urn:ietf:params:scim:schemas:extension:sap:2.0:User",
    name: "User",
    description: None,
    attributes: &[
        complex(
            "addresses",
            &[
                text("streetAddress2"),
                boolean("primary"),
                text("type"),
                text("country"),
                text("streetAddress"),
                text("locality"),
                text("postalCode"),
                text("region"),
                text("formatted"),
            ],
        )
        .many(),
        text("applicationId").write_only(),
        text("companyRelationship"),
        complex("contactPreferences", &[text("telephone"), text("email")]),
        complex("corporateGroups", &[text("value")]).many(),
        text("emailTemplateSetId").write_only(),
        complex(
            "emails",
            &[
                text("type").of(&["home", "work", "other"]),
                boolean("primary"),
                instant("verifiedTime"),
                text("value"),
                text("display"),
                boolean("verified"),
            ],
        )
        .many(),
        boolean("enforceMfa"),
        text("industry"),
        instant("loginTime").read_only(),
        boolean("mailVerified"),
        boolean("mfaEnabled").read_only(),
        complex(
            "passwordDetails",
            &[
                instant("loginTime").read_only(),
                instant("setTime").read_only(),
                text("policy"),
                integer("failedLoginAttempts").of(&["0", "1", "2", "3", "4", "5"]),
                instant("passwordLockedTime").read_only(),
                text("status"),
            ],
        ),
        complex(
            "phoneNumbers",
            &[
                text("type").of(&["work", "home", "mobile", "fax", "pager", "other"]),
                boolean("primary"),
                instant("verifiedTime"),
                text("value"),
                text("display"),
                boolean("verified"),
            ],
        )
        .many(),
        complex("sapBpguidOrg", &[text("value")]).many(),
        complex("sapBpidContact", &[text("value")]).many(),
        complex("sapBpidOrg", &[text("value")]).many(),
        text("sapUserName"),
        boolean("sendMail").write_only(),
        complex(
            "socialIdentities",
            &[
                text("socialId"),
                instant("dateOfLinking"),
                text("socialProvider").of(&["TWITTER", "APPLE", "FACEBOOK", "GOOGLE", "LINKEDIN"]),
            ],
        )
        .many(),
        integer("sourceSystem"),
        text("sourceSystemId"),
        text("status").of(&["new", "active", "inactive"]),
        text("targetUrl"),
        boolean("totpEnabled").read_only(),
        text("userId").read_only().unique(Uniqueness::Server),
        text("userUuid").exact().unique(Uniqueness::Server),
        text("userUuidHistory")
            .many()
            .exact()
            .read_only()
            .unique(Uniqueness::Server),
        instant("validFrom"),
        instant("validTo"),
        boolean("webAuthEnabled").read_only(),
    ],
};

pub(super) const CUSTOM: Schema = Schema {
    uri: "urn:sap:cloud:scim:schemas:extension:custom:2.0:User",
    name: "User",
    description: None,
    attributes: &[complex(
        "attributes",
        &[
            text("name").of(&[
                "customAttribute1",
                "customAttribute2",
                "customAttribute3",
                "customAttribute4",
                "customAttribute5",
                "customAttribute6",
                "customAttribute7",
                "customAttribute8",
                "customAttribute9",
                "customAttribute10",
            ]),
            text("value"),
        ],
    )
    .many()],
};
