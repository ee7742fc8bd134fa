//! What a parity page is made of: the operations of a dialect, as its routes have them.

use crate::{
    dialect::{crest, oracle, sap},
    outcomes::Dialect,
    router::{self, Methods, Route},
};

/// A method on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation {
    /// The path with its variable parts named.
    pub template: &'static str,
    /// The method.
    pub method: &'static str,
}

/// The operations of a dialect, path by path.
pub fn operations(dialect: Dialect) -> Vec<Operation> {
    let routes: Vec<(&str, Methods)> = match dialect {
        Dialect::Scim => router::scim_routes()
            .into_iter()
            .map(|route| (route.template(), route.methods()))
            .collect(),
        Dialect::Crest => crest::Place::templates().collect(),
        Dialect::Oracle => oracle::Place::templates().collect(),
        Dialect::Sap => sap::Place::templates().collect(),
    };
    let operations = routes.into_iter().flat_map(|(template, methods)| {
        let methods = methods.allow().split(", ");
        methods.map(move |method| Operation { template, method })
    });
    operations.collect()
}

/// The template of the route that a path leads to, if it is one of the dialect's.
pub fn template(dialect: Dialect, path: &str) -> Option<&'static str> {
    let route = router::find(path).ok()?;
    match (dialect, &route) {
        (Dialect::Scim, Route::Scim(_))
        | (Dialect::Crest, Route::Crest(_))
        | (Dialect::Oracle, Route::Oracle(_))
        | (Dialect::Sap, Route::Sap(_)) => Some(route.template()),
        _ => None,
    }
}

/// What the product has that a dialect speaks for and this server does not build: each answers
/// 501 in the dialect's words.
pub fn unbuilt(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Oracle => oracle::UNBUILT,
        Dialect::Scim | Dialect::Crest | Dialect::Sap => &[],
    }
}
