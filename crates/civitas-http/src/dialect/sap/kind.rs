//! The types of resources.

/// A type of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Group,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::User, Self::Group];

    /// The type at an endpoint, such as `Users`.
    pub(super) fn at(endpoint: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.endpoint() == endpoint)
    }

    /// The name, which is that of the resource type that keeps it, too.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The collection in paths.
    pub(super) const fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }
}
