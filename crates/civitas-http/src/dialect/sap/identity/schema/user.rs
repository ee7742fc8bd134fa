//! Users, as SCIM defines them and as the enterprise extension does.

use super::Schema;
use crate::attribute::{binary, boolean, complex, reference, text};

pub(super) const CORE: Schema = Schema {
    uri: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: Some("User Account"),
    attributes: &[
        boolean("active"),
        complex(
            "addresses",
            &[
                text("region").exact(),
                text("formatted").exact(),
                text("country").exact(),
                boolean("primary"),
                text("streetAddress").exact(),
                text("locality").exact(),
                text("postalCode").exact(),
                text("type").exact().of(&["work", "home", "other"]),
            ],
        )
        .many(),
        text("displayName").exact(),
        complex(
            "emails",
            &[
                text("value"),
                boolean("primary"),
                text("type").exact().of(&["work", "home", "other"]),
                text("display").exact(),
            ],
        )
        .many(),
        complex(
            "entitlements",
            &[
                boolean("primary"),
                text("type").exact(),
                text("value").exact(),
                text("display").exact(),
            ],
        )
        .many(),
        text("externalId").exact(),
        complex(
            "groups",
            &[
                reference("$ref").exact().read_only().to(&["User", "Group"]),
                text("value").exact().read_only(),
                text("display").exact().read_only(),
                text("type").exact().read_only().of(&["direct", "indirect"]),
            ],
        )
        .many()
        .read_only(),
        complex(
            "ims",
            &[
                text("value").exact(),
                text("type")
                    .exact()
                    .of(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
                text("display").exact(),
                boolean("primary"),
            ],
        )
        .many(),
        text("locale").exact(),
        complex(
            "name",
            &[
                text("middleName").exact(),
                text("givenName").exact(),
                text("honorificPrefix").exact(),
                text("honorificSuffix").exact(),
                text("formatted").exact(),
                text("familyName").exact(),
            ],
        ),
        text("nickName").exact(),
        text("password").exact().write_only().never(),
        complex(
            "phoneNumbers",
            &[
                text("type")
                    .exact()
                    .of(&["work", "home", "mobile", "fax", "pager", "other"]),
                text("display").exact(),
                boolean("primary"),
                text("value").exact(),
            ],
        )
        .many(),
        complex(
            "photos",
            &[
                text("type").exact().of(&["photo", "thumbnail"]),
                boolean("primary"),
                text("display").exact(),
                reference("value").exact().to(&["external"]),
            ],
        )
        .many(),
        text("preferredLanguage").exact(),
        reference("profileUrl").exact().to(&["external"]),
        complex(
            "roles",
            &[
                boolean("primary"),
                text("type").exact(),
                text("value").exact(),
                text("display").exact(),
            ],
        )
        .many(),
        text("timezone").exact(),
        text("title").exact(),
        text("userName").required(),
        text("userType").exact().of(&[
            "public",
            "partner",
            "customer",
            "employee",
            "external",
            "onboardee",
            "alumni",
        ]),
        complex(
            "x509Certificates",
            &[
                boolean("primary"),
                text("type").exact(),
                text("display").exact(),
                binary("value").exact(),
            ],
        )
        .many(),
    ],
};

pub(super) const ENTERPRISE: Schema = Schema {
    uri: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "User",
    description: Some("Enterprise User"),
    attributes: &[
        text("costCenter").exact(),
        text("department").exact(),
        text("division").exact(),
        text("employeeNumber").exact(),
        complex(
            "manager",
            &[
                reference("$ref").exact().read_only().to(&["User"]),
                text("value").exact(),
                text("displayName").exact().read_only(),
            ],
        ),
        text("organization").exact(),
    ],
};
