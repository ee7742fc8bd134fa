//! A small `User` and `Group` for the tests of this crate.

use crate::schema::{
    Attribute, Extension, Format, Index, Mutability, ResourceType, Returned, Schema, Type,
    Uniqueness,
};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn attribute(name: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        ..Attribute::default()
    }
}

fn typed(name: &str, r#type: Type) -> Attribute {
    Attribute {
        r#type,
        case_exact: matches!(r#type, Type::Reference | Type::Binary),
        ..attribute(name)
    }
}

fn indexed(attribute: Attribute) -> Attribute {
    Attribute {
        index: Index::Complete,
        ..attribute
    }
}

fn exact(name: &str) -> Attribute {
    Attribute {
        case_exact: true,
        ..attribute(name)
    }
}

fn complex(name: &str, multi_valued: bool, sub_attributes: Vec<Attribute>) -> Attribute {
    Attribute {
        sub_attributes,
        multi_valued,
        ..typed(name, Type::Complex)
    }
}

fn read_only(attribute: Attribute) -> Attribute {
    Attribute {
        mutability: Mutability::ReadOnly,
        ..attribute
    }
}

fn immutable(attribute: Attribute) -> Attribute {
    Attribute {
        mutability: Mutability::Immutable,
        ..attribute
    }
}

fn common() -> Vec<Attribute> {
    vec![
        Attribute {
            multi_valued: true,
            case_exact: false,
            required: true,
            ..typed("schemas", Type::Reference)
        },
        read_only(Attribute {
            uniqueness: Uniqueness::Server,
            returned: Returned::Always,
            index: Index::Complete,
            ..exact("id")
        }),
        indexed(exact("externalId")),
        read_only(complex(
            "meta",
            false,
            [
                exact("resourceType"),
                indexed(typed("created", Type::DateTime)),
                indexed(typed("lastModified", Type::DateTime)),
                typed("location", Type::Reference),
                exact("version"),
            ]
            .map(read_only)
            .into(),
        )),
    ]
}

fn plural(name: &str, is_indexed: bool) -> Attribute {
    let value = Attribute {
        index: if is_indexed {
            Index::Complete
        } else {
            Index::None
        },
        ..attribute("value")
    };
    complex(
        name,
        true,
        vec![
            value,
            attribute("display"),
            attribute("type"),
            typed("primary", Type::Boolean),
        ],
    )
}

fn user_attributes() -> Vec<Attribute> {
    vec![
        Attribute {
            required: true,
            uniqueness: Uniqueness::Server,
            format: Format::UserName,
            index: Index::Complete,
            ..attribute("userName")
        },
        complex(
            "name",
            false,
            vec![
                indexed(attribute("familyName")),
                attribute("givenName"),
                attribute("formatted"),
            ],
        ),
        indexed(attribute("displayName")),
        indexed(attribute("title")),
        attribute("userType"),
        indexed(typed("active", Type::Boolean)),
        indexed(typed("shoeSize", Type::Decimal)),
        indexed(typed("hired", Type::DateTime)),
        Attribute {
            mutability: Mutability::WriteOnly,
            returned: Returned::Never,
            ..attribute("password")
        },
        plural("emails", true),
        plural("roles", false),
        complex(
            "addresses",
            true,
            vec![
                attribute("locality"),
                attribute("country"),
                attribute("type"),
                typed("primary", Type::Boolean),
            ],
        ),
        read_only(complex(
            "groups",
            true,
            vec![read_only(exact("value")), read_only(attribute("display"))],
        )),
        complex(
            "x509Certificates",
            true,
            vec![typed("value", Type::Binary), attribute("type")],
        ),
        Attribute {
            multi_valued: true,
            index: Index::Complete,
            ..attribute("tags")
        },
        immutable(attribute("badge")),
    ]
}

pub(crate) fn user() -> ResourceType {
    ResourceType {
        name: "User".to_owned(),
        endpoint: "/Users".to_owned(),
        description: String::new(),
        schema: Schema {
            id: USER.to_owned(),
            name: "User".to_owned(),
            description: String::new(),
            attributes: user_attributes(),
        },
        extensions: vec![Extension {
            schema: Schema {
                id: ENTERPRISE.to_owned(),
                name: "EnterpriseUser".to_owned(),
                description: String::new(),
                attributes: vec![
                    attribute("employeeNumber"),
                    indexed(attribute("department")),
                    complex(
                        "manager",
                        false,
                        vec![
                            indexed(exact("value")),
                            typed("$ref", Type::Reference),
                            read_only(attribute("displayName")),
                        ],
                    ),
                ],
            },
            required: false,
        }],
        common: common(),
    }
}

pub(crate) fn group() -> ResourceType {
    ResourceType {
        name: "Group".to_owned(),
        endpoint: "/Groups".to_owned(),
        description: String::new(),
        schema: Schema {
            id: GROUP.to_owned(),
            name: "Group".to_owned(),
            description: String::new(),
            attributes: vec![
                Attribute {
                    required: true,
                    index: Index::Complete,
                    ..attribute("displayName")
                },
                complex(
                    "members",
                    true,
                    [
                        exact("value"),
                        typed("$ref", Type::Reference),
                        attribute("type"),
                        attribute("display"),
                    ]
                    .map(immutable)
                    .into(),
                ),
            ],
        },
        extensions: Vec::new(),
        common: common(),
    }
}
