//! The schemas and resource types that RFC 7643 defines, as data: User, Group and the
//! enterprise extension (§4), the common attributes (§3.1), and the schemas of the discovery
//! resources (§5 to §7).
//!
//! The characteristics are those of RFC 7643 §8.7 with the verified errata applied: every
//! reference and identifier distinguishes case, `addresses` have a `primary`, members have a
//! `display`, and the `displayName` of a group is required.

mod published;

pub use published::{resource_type, schema, service_provider_config};

use crate::schema::{
    Attribute, Extension, Format, Index, Mutability, ResourceType, Returned, Schema, Type,
    Uniqueness, urn,
};

/// The resource type of people, with the enterprise extension.
pub fn user() -> ResourceType {
    ResourceType {
        name: "User".into(),
        endpoint: "/Users".into(),
        description: "A person or another subject with an account".into(),
        schema: user_schema(),
        extensions: vec![Extension {
            schema: enterprise_user_schema(),
            required: false,
        }],
        common: common(),
    }
}

/// The resource type of groups.
pub fn group() -> ResourceType {
    ResourceType {
        name: "Group".into(),
        endpoint: "/Groups".into(),
        description: "A collection of users and groups".into(),
        schema: group_schema(),
        extensions: vec![],
        common: common(),
    }
}

/// `schemas`, `id`, `externalId` and `meta` (RFC 7643 §3, §3.1), which every resource type
/// has and no schema lists.
pub fn common() -> Vec<Attribute> {
    vec![
        Attribute {
            // Every resource names its schemas, but only a request that is a whole resource
            // must bring them; who reads such a request checks that.
            r#type: Type::Reference,
            returned: Returned::Always,
            ..text("schemas", "URIs of the schemas in use")
        }
        .many()
        .refers_to(&["uri"])
        .required(),
        Attribute {
            returned: Returned::Always,
            uniqueness: Uniqueness::Server,
            ..text("id", "Identifier issued by the provider")
        }
        .exact()
        .required()
        .read_only()
        .indexed(),
        text("externalId", "Identifier issued by the client")
            .exact()
            .indexed(),
        complex(
            "meta",
            "What the provider knows about the resource itself",
            vec![
                text("resourceType", "Name of the resource type").exact(),
                instant("created", "When the resource was added").indexed(),
                instant("lastModified", "When the resource was last changed").indexed(),
                reference("location", "URI of the resource", &["uri"]),
                text("version", "Entity tag of the resource").exact(),
            ],
        )
        .read_only(),
    ]
}

/// The User schema (RFC 7643 §4.1).
fn user_schema() -> Schema {
    let mut attributes = vec![
        Attribute {
            uniqueness: Uniqueness::Server,
            ..text("userName", "Name that the user signs in with")
        }
        .required()
        .formed(Format::UserName)
        .indexed(),
        name(),
    ];
    attributes.extend(user_properties());
    attributes.extend(user_lists());
    Schema {
        id: urn::USER.into(),
        name: "User".into(),
        description: "User account".into(),
        attributes,
    }
}

fn name() -> Attribute {
    complex(
        "name",
        "The parts of the user's name",
        vec![
            text("formatted", "Whole name as it is to be displayed"),
            text("familyName", "Family name"),
            text("givenName", "Given name"),
            text("middleName", "Middle names"),
            text("honorificPrefix", "Title before the name, such as Ms."),
            text("honorificSuffix", "Suffix after the name, such as III"),
        ],
    )
}

/// The singular attributes after `name` (RFC 7643 §4.1.1).
fn user_properties() -> Vec<Attribute> {
    vec![
        text("displayName", "Name of the user as shown to others").indexed(),
        text("nickName", "Casual name"),
        reference("profileUrl", "Page about the user", &["external"]),
        text("title", "Position, such as Vice President"),
        text(
            "userType",
            "Relation to the organization, such as Contractor",
        ),
        text(
            "preferredLanguage",
            "Preferred languages as in Accept-Language",
        )
        .formed(Format::LanguagePriority),
        text(
            "locale",
            "Language tag for formats of dates, numbers and currency",
        )
        .formed(Format::LanguageTag),
        text("timezone", "IANA time zone, such as Europe/Berlin").formed(Format::TimeZone),
        boolean("active", "Whether the account may be used").indexed(),
        Attribute {
            mutability: Mutability::WriteOnly,
            returned: Returned::Never,
            ..text("password", "Password to set; it is never returned")
        },
    ]
}

/// The multi-valued attributes (RFC 7643 §4.1.2).
fn user_lists() -> Vec<Attribute> {
    let mut email = text("value", "Email address");
    email.index = Index::Complete;
    let groups = complex(
        "groups",
        "Groups that the user belongs to, directly or through other groups",
        vec![
            text("value", "Identifier of the group").exact(),
            reference("$ref", "URI of the group", &["Group"]),
            text("display", "Name of the group"),
            text(
                "type",
                "Whether the membership is the user's own or through another group",
            )
            .suggesting(&["direct", "indirect"]),
        ],
    );
    vec![
        plural(
            "emails",
            "Email addresses",
            email,
            &["work", "home", "other"],
        ),
        plural(
            "phoneNumbers",
            "Telephone numbers",
            text("value", "Telephone number, preferably as in RFC 3966"),
            &["work", "home", "mobile", "fax", "pager", "other"],
        ),
        plural(
            "ims",
            "Instant messaging addresses",
            text("value", "Instant messaging address"),
            &[
                "aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo", "other",
            ],
        ),
        plural(
            "photos",
            "Pictures of the user",
            reference("value", "URI of an image file", &["external"]),
            &["photo", "thumbnail"],
        ),
        addresses(),
        groups.many().read_only(),
        plural(
            "entitlements",
            "Things that the user has a right to",
            plain(),
            &[],
        ),
        plural("roles", "Roles of the user", plain(), &[]),
        plural(
            "x509Certificates",
            "Certificates issued to the user",
            Attribute {
                r#type: Type::Binary,
                ..text("value", "One DER-encoded certificate").exact()
            },
            &[],
        ),
    ]
}

fn plain() -> Attribute {
    text("value", "The value")
}

fn addresses() -> Attribute {
    complex(
        "addresses",
        "Postal addresses",
        vec![
            text(
                "formatted",
                "Whole address as on a label; may hold line breaks",
            ),
            text(
                "streetAddress",
                "Street, house number, post box; may hold line breaks",
            ),
            text("locality", "City or locality"),
            text("region", "State or region"),
            text("postalCode", "Postal code"),
            text("country", "ISO 3166-1 alpha-2 code of the country").formed(Format::Country),
            text("type", "Kind of address").suggesting(&["work", "home", "other"]),
            primary(),
        ],
    )
    .many()
}

/// The Group schema (RFC 7643 §4.2).
fn group_schema() -> Schema {
    let members = complex(
        "members",
        "Users and groups that belong to the group",
        vec![
            text("value", "Identifier of the member")
                .exact()
                .immutable(),
            reference("$ref", "URI of the member", &["User", "Group"]).immutable(),
            text("type", "Resource type of the member")
                .suggesting(&["User", "Group"])
                .immutable(),
            text("display", "Name of the member").immutable(),
        ],
    );
    Schema {
        id: urn::GROUP.into(),
        name: "Group".into(),
        description: "Group".into(),
        attributes: vec![
            text("displayName", "Name of the group")
                .required()
                .indexed(),
            members.many(),
        ],
    }
}

/// The enterprise extension of User (RFC 7643 §4.3).
fn enterprise_user_schema() -> Schema {
    let manager = complex(
        "manager",
        "The user's manager",
        vec![
            text("value", "Identifier of the manager").exact().indexed(),
            reference("$ref", "URI of the manager", &["User"]),
            text("displayName", "Display name of the manager").read_only(),
        ],
    );
    Schema {
        id: urn::ENTERPRISE_USER.into(),
        name: "EnterpriseUser".into(),
        description: "What organizations keep about their people".into(),
        attributes: vec![
            text("employeeNumber", "Identifier given by the organization"),
            text("costCenter", "Cost center"),
            text("organization", "Organization"),
            text("division", "Division"),
            text("department", "Department"),
            manager,
        ],
    }
}

fn text(name: &str, description: &str) -> Attribute {
    Attribute {
        name: name.into(),
        description: description.into(),
        ..Attribute::default()
    }
}

fn boolean(name: &str, description: &str) -> Attribute {
    Attribute {
        r#type: Type::Boolean,
        ..text(name, description)
    }
}

fn instant(name: &str, description: &str) -> Attribute {
    Attribute {
        r#type: Type::DateTime,
        ..text(name, description)
    }
}

fn reference(name: &str, description: &str, types: &[&str]) -> Attribute {
    Attribute {
        r#type: Type::Reference,
        ..text(name, description).exact().refers_to(types)
    }
}

fn complex(name: &str, description: &str, sub_attributes: Vec<Attribute>) -> Attribute {
    Attribute {
        r#type: Type::Complex,
        sub_attributes,
        ..text(name, description)
    }
}

/// A multi-valued attribute with the sub-attributes of RFC 7643 §2.4.
fn plural(name: &str, description: &str, value: Attribute, types: &[&str]) -> Attribute {
    let sub_attributes = vec![
        value,
        text("display", "Name for people"),
        text("type", "What the value is used for").suggesting(types),
        primary(),
    ];
    complex(name, description, sub_attributes).many()
}

fn primary() -> Attribute {
    boolean(
        "primary",
        "Whether the value is the preferred one; at most one is",
    )
}

impl Attribute {
    fn many(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    fn required(mut self) -> Self {
        self.required = true;
        self
    }

    fn exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    fn indexed(mut self) -> Self {
        self.index = Index::Complete;
        self
    }

    fn immutable(mut self) -> Self {
        self.mutability = Mutability::Immutable;
        self
    }

    /// Sub-attributes of what only the provider writes are written by it alone, too.
    fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self.sub_attributes = self
            .sub_attributes
            .into_iter()
            .map(Attribute::read_only)
            .collect();
        self
    }

    fn formed(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    fn suggesting(mut self, values: &[&str]) -> Self {
        self.canonical_values = values.iter().map(ToString::to_string).collect();
        self
    }

    fn refers_to(mut self, types: &[&str]) -> Self {
        self.reference_types = types.iter().map(ToString::to_string).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indexed(resource_type: &ResourceType) -> Vec<String> {
        let mut paths = vec![];
        for (extension, attribute) in resource_type.attributes() {
            let prefix = extension.map_or(String::new(), |it| format!("{}:", it.schema.id));
            let within = format!("{prefix}{}", attribute.name);
            paths.extend((attribute.index != Index::None).then(|| within.clone()));
            for sub in attribute
                .sub_attributes
                .iter()
                .filter(|sub| sub.index != Index::None)
            {
                paths.push(format!("{within}.{}", sub.name));
            }
        }
        paths
    }

    #[test]
    fn what_is_looked_up_often_is_indexed_and_nothing_else() {
        let manager = format!("{}:manager.value", urn::ENTERPRISE_USER);
        let common = ["id", "externalId", "meta.created", "meta.lastModified"];
        let own = [
            "userName",
            "displayName",
            "active",
            "emails.value",
            &manager,
        ];
        assert_eq!(indexed(&user()), [&common[..], &own[..]].concat());
        assert_eq!(indexed(&group()), [&common[..], &["displayName"]].concat());
    }

    #[test]
    fn s_7643_4_references_and_identifiers_distinguish_case() {
        for resource_type in [user(), group()] {
            for (_, attribute) in resource_type.attributes() {
                for it in attribute.sub_attributes.iter().chain([attribute]) {
                    let is_exact = match (it.r#type, it.name.as_str()) {
                        (Type::Reference, name) => name != "schemas",
                        (Type::Binary, _) => true,
                        _ => continue,
                    };
                    assert_eq!(it.case_exact, is_exact, "{}.{}", attribute.name, it.name);
                    assert_eq!(it.reference_types.is_empty(), it.r#type == Type::Binary);
                }
            }
        }
    }

    #[test]
    fn s_7643_7_complex_attributes_alone_have_sub_attributes() {
        for resource_type in [user(), group()] {
            for (_, attribute) in resource_type.attributes() {
                let is_complex = attribute.r#type == Type::Complex;
                assert_eq!(is_complex, !attribute.sub_attributes.is_empty());
                assert!(
                    attribute
                        .sub_attributes
                        .iter()
                        .all(|it| it.r#type != Type::Complex)
                );
                assert!(!is_complex || attribute.uniqueness == Uniqueness::None);
            }
        }
    }

    #[test]
    fn stored_users_and_groups_may_be_sent_as_they_are() {
        assert!(user().splices());
        assert!(group().splices());
        let mut changed = user();
        changed.schema.attributes[1].sub_attributes[0].returned = Returned::Request;
        assert!(!changed.splices());
    }
}
