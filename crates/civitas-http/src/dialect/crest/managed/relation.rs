//! The relationships of managed objects: what each property of that kind leads to, and how it
//! is kept.

use super::{internal, kind::Kind};

/// A property that refers to other objects.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) property: &'static str,
    /// Whether it refers to any number of objects.
    pub(super) many: bool,
    /// The type of the objects.
    pub(super) target: Kind,
    pub(super) kept: Kept,
}

/// How a relationship is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// As relationships of a kind, of which the object is the source.
    Source(&'static str),
    /// As those of which it is the target. `single`: each source has one.
    Target { kind: &'static str, single: bool },
    /// As membership: the groups of a user.
    Groups,
    /// As membership: the members of a group.
    Members,
    /// As the manager of a user.
    Manager,
    /// The same, seen from the other end.
    Reports,
}

const fn many(property: &'static str, target: Kind, kept: Kept) -> Relation {
    Relation {
        property,
        many: true,
        target,
        kept,
    }
}

const fn to(kind: &'static str) -> Kept {
    Kept::Target {
        kind,
        single: false,
    }
}

const fn single(property: &'static str, target: Kind, kept: Kept) -> Relation {
    Relation {
        many: false,
        ..many(property, target, kept)
    }
}

const USER: &[Relation] = &[
    many("roles", Kind::Role, Kept::Source("user.roles")),
    many(
        "assignments",
        Kind::Assignment,
        Kept::Source("user.assignments"),
    ),
    many("groups", Kind::Group, Kept::Groups),
    single("manager", Kind::User, Kept::Manager),
    many("reports", Kind::User, Kept::Reports),
    many(
        "authzRoles",
        Kind::InternalRole,
        Kept::Source(internal::GRANTED),
    ),
    many(
        "ownerOfOrg",
        Kind::Organization,
        Kept::Source("user.ownerOfOrg"),
    ),
    many(
        "adminOfOrg",
        Kind::Organization,
        Kept::Source("user.adminOfOrg"),
    ),
    many(
        "memberOfOrg",
        Kind::Organization,
        Kept::Source("user.memberOfOrg"),
    ),
];

const GROUP: &[Relation] = &[many("members", Kind::User, Kept::Members)];

const ROLE: &[Relation] = &[
    many("members", Kind::User, to("user.roles")),
    many(
        "assignments",
        Kind::Assignment,
        Kept::Source("role.assignments"),
    ),
];

const ASSIGNMENT: &[Relation] = &[
    many("roles", Kind::Role, to("role.assignments")),
    many("members", Kind::User, to("user.assignments")),
];

const ORGANIZATION: &[Relation] = &[
    many("owners", Kind::User, to("user.ownerOfOrg")),
    many("admins", Kind::User, to("user.adminOfOrg")),
    many("members", Kind::User, to("user.memberOfOrg")),
    single(
        "parent",
        Kind::Organization,
        Kept::Source("organization.parent"),
    ),
    many(
        "children",
        Kind::Organization,
        Kept::Target {
            kind: "organization.parent",
            single: true,
        },
    ),
];

const INTERNAL_ROLE: &[Relation] = &[many("authzMembers", Kind::User, to(internal::GRANTED))];

/// The relationships that objects of a type have.
pub(super) const fn of(kind: Kind) -> &'static [Relation] {
    match kind {
        Kind::User => USER,
        Kind::Group => GROUP,
        Kind::Role => ROLE,
        Kind::Assignment => ASSIGNMENT,
        Kind::Organization => ORGANIZATION,
        Kind::Custom => &[],
        Kind::InternalRole => INTERNAL_ROLE,
    }
}

/// Whether one of the names is that of a relationship that is kept as a record.
pub(super) fn is_named<'n>(kind: Kind, mut names: impl Iterator<Item = &'n String>) -> bool {
    names.any(|name| {
        let relation = named(kind, name);
        relation.is_some_and(|it| matches!(it.kept, Kept::Source(_) | Kept::Target { .. }))
    })
}

/// The relationship of that name.
pub(super) fn named(kind: Kind, property: &str) -> Option<&'static Relation> {
    of(kind).iter().find(|it| it.property == property)
}
