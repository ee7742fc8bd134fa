//! What clients send that the RFCs do not allow, and that is accepted all the same: switches,
//! named profiles of them, and what one request needed.
//!
//! Only input is tolerated. Output never depends on a switch, and what was accepted through
//! one reads back like the standard form.

use std::{
    fmt::{self, Write as _},
    sync::atomic::{AtomicU16, Ordering::Relaxed},
};

/// A tolerated form of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// `"True"` and `"false"` for booleans.
    BoolStrings,
    /// `Add`, `REPLACE`.
    OpCase,
    /// Paths as keys of a path-less PATCH value.
    DottedKeys,
    /// `remove` of listed elements.
    RemoveListed,
    /// `add` through a filter that selects nothing.
    AddCreates,
    /// `replace` through a filter that selects nothing.
    ReplaceUpserts,
    /// `manager` as a bare string or a one-element array; emptied forms unassign it.
    ManagerForms,
    /// A one-element array for a singular attribute.
    UnwrapSingular,
    /// Unknown URIs in `schemas`.
    ForeignSchemas,
    /// Unknown attributes and members.
    UnknownIgnored,
    /// Elements of `roles` packed into a text.
    JsonStringRoles,
    /// Other media types than `application/scim+json`, and parameters.
    MediaType,
    /// Counters of a search request as strings.
    NumberStrings,
    /// `addresses.country` that is no ISO 3166-1 alpha-2 code.
    CountryFree,
}

impl Switch {
    /// All switches.
    pub const ALL: [Self; 14] = [
        Self::BoolStrings,
        Self::OpCase,
        Self::DottedKeys,
        Self::RemoveListed,
        Self::AddCreates,
        Self::ReplaceUpserts,
        Self::ManagerForms,
        Self::UnwrapSingular,
        Self::ForeignSchemas,
        Self::UnknownIgnored,
        Self::JsonStringRoles,
        Self::MediaType,
        Self::NumberStrings,
        Self::CountryFree,
    ];

    /// The name in configuration, logs and documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BoolStrings => "bool-strings",
            Self::OpCase => "op-case",
            Self::DottedKeys => "dotted-keys",
            Self::RemoveListed => "remove-listed",
            Self::AddCreates => "add-creates",
            Self::ReplaceUpserts => "replace-upserts",
            Self::ManagerForms => "manager-forms",
            Self::UnwrapSingular => "unwrap-singular",
            Self::ForeignSchemas => "foreign-schemas",
            Self::UnknownIgnored => "unknown-ignored",
            Self::JsonStringRoles => "json-string-roles",
            Self::MediaType => "media-type",
            Self::NumberStrings => "number-strings",
            Self::CountryFree => "country-free",
        }
    }

    /// What is accepted when it is on, for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::BoolStrings => "\"true\" and \"False\", in any case, for booleans",
            Self::OpCase => "op of a PATCH operation in any case: Add, REPLACE",
            Self::DottedKeys => {
                "dotted names, URN paths and value paths as keys of a PATCH value without path"
            }
            Self::RemoveListed => {
                "remove with a value removes the elements listed in it, and no other"
            }
            Self::AddCreates => "add through an eq filter that selects nothing creates the element",
            Self::ReplaceUpserts => {
                "replace through an eq filter that selects nothing creates the element"
            }
            Self::ManagerForms => {
                "manager as a string or a one-element array; emptied forms unassign it"
            }
            Self::UnwrapSingular => "a one-element array for a singular attribute",
            Self::ForeignSchemas => "unknown URIs in schemas are ignored",
            Self::UnknownIgnored => {
                "unknown attributes, and unknown members of messages, are ignored"
            }
            Self::JsonStringRoles => {
                "an element of roles whose value is the JSON text of an object is unpacked"
            }
            Self::MediaType => "application/json, media type parameters, and no Content-Type",
            Self::NumberStrings => "startIndex and count of a search request as strings",
            Self::CountryFree => "a country of an address that is no ISO 3166-1 code",
        }
    }

    /// Whether `Prefer: handling=strict` (RFC 7240 §4.4) turns it off for a request.
    pub const fn yields_to_strict(self) -> bool {
        !matches!(
            self,
            Self::OpCase | Self::RemoveListed | Self::AddCreates | Self::MediaType
        )
    }

    /// The switch of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|switch| switch.name() == name)
    }
}

/// A set of switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Switches(u16);

impl Switches {
    /// No switch.
    pub const NONE: Self = Self(0);

    /// The set with a switch added.
    #[must_use]
    pub const fn with(self, switch: Switch) -> Self {
        Self(self.0 | 1 << switch as u16)
    }

    /// The set with a switch taken out.
    #[must_use]
    pub const fn without(self, switch: Switch) -> Self {
        Self(self.0 & !(1 << switch as u16))
    }

    /// Whether the switch is in the set.
    pub const fn has(self, switch: Switch) -> bool {
        self.0 & 1 << switch as u16 != 0
    }

    /// Whether the set has no switch.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The switches of the set.
    pub fn iter(self) -> impl Iterator<Item = Switch> {
        Switch::ALL.into_iter().filter(move |it| self.has(*it))
    }

    /// What `Prefer: handling=strict` leaves on.
    #[must_use]
    pub fn strict(self) -> Self {
        self.iter().filter(|it| !it.yields_to_strict()).collect()
    }
}

impl FromIterator<Switch> for Switches {
    fn from_iter<I: IntoIterator<Item = Switch>>(switches: I) -> Self {
        switches.into_iter().fold(Self::NONE, Self::with)
    }
}

/// The names, separated by blanks.
impl fmt::Display for Switches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, switch) in self.iter().enumerate() {
            if index > 0 {
                f.write_char(' ')?;
            }
            f.write_str(switch.name())?;
        }
        Ok(())
    }
}

/// A kind of client, known by what it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Nothing is known of it.
    #[default]
    Generic,
    /// It keeps to the RFCs, and wants to hear where it does not.
    Strict,
    /// Microsoft Entra ID.
    Entra,
    /// Okta.
    Okta,
    /// `OneLogin`.
    OneLogin,
    /// `JumpCloud`.
    JumpCloud,
    /// Google Workspace.
    Google,
    /// `SailPoint`.
    SailPoint,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Generic,
        Self::Strict,
        Self::Entra,
        Self::Okta,
        Self::OneLogin,
        Self::JumpCloud,
        Self::Google,
        Self::SailPoint,
    ];

    /// The name in configuration and documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Strict => "strict",
            Self::Entra => "entra",
            Self::Okta => "okta",
            Self::OneLogin => "onelogin",
            Self::JumpCloud => "jumpcloud",
            Self::Google => "google",
            Self::SailPoint => "sailpoint",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The switches that are on for its clients. What only one product was seen to send is
    /// on for that product alone.
    pub fn switches(self) -> Switches {
        let peculiar = [
            Switch::ReplaceUpserts,
            Switch::UnwrapSingular,
            Switch::JsonStringRoles,
        ];
        match self {
            Self::Strict => Switches::NONE,
            Self::Entra => Switch::ALL.into_iter().collect(),
            Self::Generic
            | Self::Okta
            | Self::OneLogin
            | Self::JumpCloud
            | Self::Google
            | Self::SailPoint => Switch::ALL
                .into_iter()
                .filter(|it| !peculiar.contains(it))
                .collect(),
        }
    }
}

/// How tolerant to be towards one client: its kind, and the switches that differ from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    kind: Kind,
    switches: Switches,
}

impl Default for Profile {
    fn default() -> Self {
        Self::of(Kind::default())
    }
}

impl Profile {
    /// The profile of a kind of clients.
    pub fn of(kind: Kind) -> Self {
        let switches = kind.switches();
        Self { kind, switches }
    }

    /// The profile with a switch turned on or off.
    #[must_use]
    pub fn turned(self, switch: Switch, on: bool) -> Self {
        let switches = if on {
            self.switches.with(switch)
        } else {
            self.switches.without(switch)
        };
        Self { switches, ..self }
    }

    /// The switches that are on.
    pub const fn switches(self) -> Switches {
        self.switches
    }

    /// The profile of such a text as [`Display`](fmt::Display) writes: the name of a kind,
    /// then `+name` or `-name` for each switch that differs; `None` on an unknown name.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let profile = Self::of(Kind::named(words.next()?)?);
        words.try_fold(profile, |profile, word| {
            let (on, name) = match word.strip_prefix('-') {
                Some(name) => (false, name),
                None => (true, word.strip_prefix('+')?),
            };
            Some(profile.turned(Switch::named(name)?, on))
        })
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        let usual = self.kind.switches();
        for switch in Switch::ALL {
            match (usual.has(switch), self.switches.has(switch)) {
                (false, true) => write!(f, " +{}", switch.name())?,
                (true, false) => write!(f, " -{}", switch.name())?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// What one request is read with: the switches that are on, and which of them it needed.
#[derive(Debug)]
pub struct Tolerance {
    on: Switches,
    acted: AtomicU16,
}

impl Tolerance {
    /// With these switches on.
    pub const fn new(on: Switches) -> Self {
        Self {
            on,
            acted: AtomicU16::new(0),
        }
    }

    /// For clients of which nothing is known.
    pub fn generic() -> Self {
        Self::new(Kind::Generic.switches())
    }

    /// For those clients under `Prefer: handling=strict`.
    pub fn strict() -> Self {
        Self::new(Kind::Generic.switches().strict())
    }

    /// Whether the switch is on. To be asked only where the form that it tolerates is met:
    /// the switch counts as having acted.
    pub fn takes(&self, switch: Switch) -> bool {
        let on = self.on.has(switch);
        if on {
            self.acted.fetch_or(Switches::NONE.with(switch).0, Relaxed);
        }
        on
    }

    /// The switches that are on.
    pub const fn on(&self) -> Switches {
        self.on
    }

    /// The switches without which the request would have been read otherwise.
    pub fn acted(&self) -> Switches {
        Switches(self.acted.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for switch in Switch::ALL {
            assert_eq!(Switch::named(switch.name()), Some(switch));
        }
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
    }

    #[test]
    fn profiles_are_written_as_they_are_read() {
        for text in [
            "generic",
            "strict +op-case",
            "entra -bool-strings -country-free",
            "okta -op-case +replace-upserts",
        ] {
            assert_eq!(Profile::parse(text).unwrap().to_string(), text);
        }
        let same = Profile::parse("okta +op-case").unwrap();
        assert_eq!(same, Profile::of(Kind::Okta));
        for text in ["", "Entra", "entra op-case", "entra +", "entra *op-case"] {
            assert_eq!(Profile::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_acted_is_remembered() {
        let tolerance = Tolerance::generic();
        assert!(tolerance.acted().is_empty());
        assert!(tolerance.takes(Switch::OpCase) && tolerance.takes(Switch::BoolStrings));
        assert!(!tolerance.takes(Switch::ReplaceUpserts));
        assert_eq!(tolerance.acted().to_string(), "bool-strings op-case");
        let strict = Tolerance::strict();
        assert!(!strict.takes(Switch::BoolStrings) && strict.takes(Switch::OpCase));
    }
}
