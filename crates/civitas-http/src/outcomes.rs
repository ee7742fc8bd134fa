//! Which status each dialect gives an outcome, with the source that says so, from the dialect's
//! own table.

use civitas_directory::Outcome;

use crate::dialect::{crest, oracle, sap, scim};

/// A protocol, or the way a vendor speaks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SCIM 2.0.
    Scim,
    /// SAP Cloud Identity Services.
    Sap,
    /// Common REST of `PingOne` Advanced Identity Cloud.
    Crest,
    /// Oracle identity domains.
    Oracle,
}

impl Dialect {
    /// All dialects.
    pub const ALL: [Self; 4] = [Self::Scim, Self::Sap, Self::Crest, Self::Oracle];

    /// The name, as in paths and rules.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::Sap => "sap",
            Self::Crest => "crest",
            Self::Oracle => "oracle",
        }
    }
}

/// One documented status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Documented {
    /// How the request ended.
    pub outcome: Outcome,
    /// The status code.
    pub status: u16,
    /// Where the status is documented.
    pub source: &'static str,
}

/// A situation in which published and observed answers differ
/// ([`Fidelity`](civitas_directory::Fidelity)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// What is asked.
    pub situation: &'static str,
    /// What is answered as documented.
    pub documented: &'static str,
    /// What is answered as observed.
    pub observed: &'static str,
}

/// Where the two fidelities of a dialect differ.
pub fn differences(dialect: Dialect) -> &'static [Difference] {
    match dialect {
        Dialect::Scim => scim::fidelity::DIFFERENCES,
        Dialect::Crest => crest::fidelity::DIFFERENCES,
        Dialect::Oracle => oracle::fidelity::DIFFERENCES,
        Dialect::Sap => sap::fidelity::DIFFERENCES,
    }
}

/// What a dialect documents, in the order of the outcomes.
pub fn documented(dialect: Dialect) -> Vec<Documented> {
    match dialect {
        Dialect::Scim => Outcome::ALL.map(scim::status::documented).into(),
        Dialect::Crest => Outcome::ALL.map(crest::status::documented).into(),
        Dialect::Sap => Outcome::ALL.map(sap::status::documented).into(),
        Dialect::Oracle => Outcome::ALL.map(oracle::status::documented).into(),
    }
}

/// Whether a dialect documents a status.
pub fn documents(dialect: Dialect, status: u16) -> bool {
    documented(dialect).iter().any(|row| row.status == status)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The codes of each published table. A dialect that is served answers more: whatever
    /// HTTP has for what its table does not speak of.
    const TABLES: [(Dialect, &str, &[u16]); 4] = [
        (
            Dialect::Sap,
            sap::status::TABLE,
            &[
                200, 201, 204, 301, 400, 401, 403, 404, 405, 406, 409, 415, 500, 503,
            ],
        ),
        (
            Dialect::Crest,
            "",
            &[
                200, 201, 204, 304, 400, 401, 403, 404, 405, 406, 409, 410, 412, 415, 428, 500,
                501, 503,
            ],
        ),
        // Both tables of the vendor.
        (
            Dialect::Oracle,
            "",
            &[
                200, 201, 202, 204, 307, 308, 400, 401, 403, 404, 405, 406, 409, 412, 413, 415,
                500, 501, 503,
            ],
        ),
        (
            Dialect::Scim,
            "",
            &[
                200, 201, 202, 204, 304, 307, 308, 400, 401, 403, 404, 405, 406, 409, 412, 413,
                415, 428, 429, 431, 500, 501, 503,
            ],
        ),
    ];

    #[test]
    fn every_published_code_has_an_outcome_and_no_other() {
        for (dialect, source, codes) in TABLES {
            let stated = documented(dialect);
            let stated: BTreeSet<u16> = stated
                .iter()
                .filter(|row| source.is_empty() || row.source == source)
                .map(|row| row.status)
                .collect();
            let published: BTreeSet<u16> = codes.iter().copied().collect();
            let missing: Vec<_> = published.difference(&stated).collect();
            assert!(missing.is_empty(), "{dialect:?} {source}: {missing:?}");
            if !source.is_empty() {
                assert_eq!(stated, published, "{dialect:?} {source}");
            }
        }
    }

    #[test]
    fn every_row_names_its_source() {
        for dialect in Dialect::ALL {
            for row in documented(dialect) {
                assert!(!row.source.is_empty(), "{dialect:?} {row:?}");
                assert!((200..=599).contains(&row.status), "{dialect:?} {row:?}");
                assert!(documents(dialect, row.status));
            }
            assert!(!documents(dialect, 418));
        }
    }
}
