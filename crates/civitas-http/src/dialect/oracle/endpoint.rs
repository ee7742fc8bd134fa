//! The collections of resources, and what may be done there.

use super::kind::Kind;

/// A collection of resources of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(super) kind: Kind,
    /// Whether it holds what is the caller's own, and nothing else.
    pub(super) own: bool,
}

/// What may be done with resources of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Everything.
    Whole,
    /// Everything but replacing them.
    Unreplaced,
    /// The same with what is the caller's own, which nobody searches.
    Own,
}

impl Endpoint {
    /// One for each manner, named by what stands for its types in templates of paths.
    pub(super) const EACH: [(&'static str, Self); 3] = [
        ("{type}", Self::of(Kind::User)),
        ("{credential}", Self::of(Kind::ApiKey)),
        (
            "My{credential}",
            Self {
                kind: Kind::ApiKey,
                own: true,
            },
        ),
    ];

    pub(super) const fn of(kind: Kind) -> Self {
        Self { kind, own: false }
    }

    /// The collection of that name in paths.
    pub(super) fn named(name: &str) -> Option<Self> {
        let stands = Self::EACH.iter().find(|(template, _)| *template == name);
        if let Some((_, endpoint)) = stands {
            return Some(*endpoint);
        }
        if let Some(kind) = Kind::at(name) {
            return Some(Self::of(kind));
        }
        let kind = name.strip_prefix("My").and_then(Kind::at);
        let kind = kind.filter(|it| it.is_credential())?;
        Some(Self { kind, own: true })
    }

    pub(super) fn is_searched(self) -> bool {
        self.manner() != Manner::Own
    }

    pub(super) const fn manner(self) -> Manner {
        match (self.own, self.kind.is_credential()) {
            (true, _) => Manner::Own,
            (false, true) => Manner::Unreplaced,
            (false, false) => Manner::Whole,
        }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (_, path) = self.kind.seen_as(self.own);
        f.write_str(&path)
    }
}
