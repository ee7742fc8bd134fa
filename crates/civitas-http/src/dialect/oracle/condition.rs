//! Filters and sort keys of the service as conditions on what is kept. Pure.

use civitas_directory::belonging;
use civitas_scim::{
    condition::{Condition, Sort},
    filter::{self, Filter, Literal, Operator},
    path::AttrPath,
    schema::ResourceType,
    tolerance::Tolerance,
};

use super::{custom, fault::Fault, id, kind::Kind, object, schema};
use crate::attribute::Attribute;

/// The condition that a filter stands for.
pub(super) fn condition(kind: Kind, kept: &ResourceType, text: &str) -> Result<Condition, Fault> {
    let invalid = || Fault::filter(text);
    let written = Filter::parse(text, &filter::Limits::default()).map_err(|_| invalid())?;
    if kind == Kind::User {
        custom::check_filter(kept, &written)?;
    }
    let moved = moved(kind, written)?;
    let resolved = moved.resolve(kept, &[], &Tolerance::strict());
    resolved.map_err(|_| invalid())
}

/// The order that a sort key stands for.
pub(super) fn sort(
    kind: Kind,
    kept: &ResourceType,
    path: &str,
    descending: bool,
) -> Result<Sort, Fault> {
    let written = AttrPath::parse(path).map_err(|_| Fault::not_searchable(path))?;
    if kind == Kind::User {
        custom::check_path(kept, &written)?;
    }
    let place = Place::find(kind, &written)?;
    let resolved = Sort::resolve(&place.path, descending, kept);
    resolved.map_err(|_| Fault::not_searchable(path))
}

/// An attribute that may be searched.
struct Place {
    /// Where it is kept.
    path: String,
    /// Whether its value, or that of its sub-attribute `value`, is an identifier.
    identifies: bool,
}

/// Attributes whose elements name resources by their identifiers.
const REFERENCES: [&str; 6] = [
    "members",
    "groups",
    "manager",
    "owners",
    "idcsCreatedBy",
    object::OWNER,
];

impl Place {
    fn find(kind: Kind, path: &AttrPath) -> Result<Self, Fault> {
        let refuse = || Fault::not_searchable(path.as_str());
        // Whether it is searched the tenant says, not the service.
        if kind == Kind::User && custom::named(path.as_str()).is_some() {
            return Ok(Self {
                path: path.as_str().to_owned(),
                identifies: false,
            });
        }
        let found = path.resolve(kind.view()).ok_or_else(refuse)?;
        let attribute = found.attribute.ok_or_else(refuse)?;
        let known = kind.attribute(found.extension, &attribute.name);
        let known = known.ok_or_else(refuse)?;
        let sub = match &found.sub_attribute {
            Some(sub) => Some(known.sub(&sub.name).ok_or_else(refuse)?),
            None => known.sub("value").or(match known.name {
                "name" => known.sub("formatted"),
                _ => None,
            }),
        };
        let is_searchable =
            |it: &Attribute| it.searchable || it.subs.iter().any(|it| it.searchable);
        if !sub.map_or_else(|| is_searchable(known), |sub| sub.searchable) {
            return Err(refuse());
        }
        let within = sub.filter(|_| found.sub_attribute.is_some());
        let within = within.map_or_else(String::new, |it| format!(".{}", it.name));
        let own = kind.own().map_or_else(String::new, |it| format!("{it}:"));
        let path = match (found.extension, known.name) {
            (Some(uri), name) if known.is_kept() => format!("{uri}:{name}{within}"),
            (None, "ocid") => "id".to_owned(),
            (None, "idcsCreatedBy") => format!("{own}createdBy{within}"),
            (None, object::OWNER) if kind.is_credential() => belonging::ATTRIBUTE.to_owned(),
            (None, name) if kind.moved().contains(&name) => format!("{own}{name}{within}"),
            (None, "id" | "meta" | "groups") => format!("{}{within}", known.name),
            (None, name) if known.is_kept() => format!("{name}{within}"),
            // What nobody sets is the same for all.
            _ => return Err(refuse()),
        };
        let by_value = sub.is_none_or(|it| it.name == "value");
        let is_reference = REFERENCES.contains(&known.name) && by_value;
        let identifies = is_reference || ["id", "ocid"].contains(&known.name);
        Ok(Self { path, identifies })
    }

    fn written(&self) -> Result<AttrPath, Fault> {
        AttrPath::parse(&self.path).map_err(|_| Fault::not_searchable(&self.path))
    }

    fn literal(&self, literal: Literal) -> Literal {
        match literal {
            Literal::String(text) if self.identifies => {
                Literal::String(id::kept(&text).into_owned())
            }
            other => other,
        }
    }
}

/// The filter over what is kept.
fn moved(kind: Kind, written: Filter) -> Result<Filter, Fault> {
    let all = |parts: Vec<Filter>| -> Result<Vec<_>, Fault> {
        parts.into_iter().map(|it| moved(kind, it)).collect()
    };
    Ok(match written {
        Filter::And(parts) => Filter::And(all(parts)?),
        Filter::Or(parts) => Filter::Or(all(parts)?),
        Filter::Not(inner) => Filter::Not(Box::new(moved(kind, *inner)?)),
        Filter::Present(path) => Filter::Present(Place::find(kind, &path)?.written()?),
        Filter::Compare(path, operator, literal) => {
            let place = Place::find(kind, &path)?;
            check_operator(kind, &path, operator)?;
            Filter::Compare(place.written()?, operator, place.literal(literal))
        }
        Filter::Element(path, inner) => {
            let place = Place::find(kind, &path)?;
            let inner = within(kind, &path, &place, *inner)?;
            Filter::Element(place.written()?, Box::new(inner))
        }
        Filter::ElementCompare(path, inner, sub, operator, literal) => {
            let place = Place::find(kind, &path)?;
            let inner = within(kind, &path, &place, *inner)?;
            let literal = of_sub(&place, &sub, literal);
            Filter::ElementCompare(place.written()?, Box::new(inner), sub, operator, literal)
        }
    })
}

/// A filter over the elements of an attribute.
fn within(kind: Kind, of: &AttrPath, place: &Place, written: Filter) -> Result<Filter, Fault> {
    let all = |parts: Vec<Filter>| -> Result<Vec<_>, Fault> {
        let parts = parts.into_iter();
        parts.map(|it| within(kind, of, place, it)).collect()
    };
    let checked = |sub: &AttrPath| {
        let whole = AttrPath::parse(&format!("{of}.{sub}"));
        let whole = whole.map_err(|_| Fault::not_searchable(sub.as_str()))?;
        Place::find(kind, &whole).map(drop)
    };
    Ok(match written {
        Filter::And(parts) => Filter::And(all(parts)?),
        Filter::Or(parts) => Filter::Or(all(parts)?),
        Filter::Not(inner) => Filter::Not(Box::new(within(kind, of, place, *inner)?)),
        Filter::Present(sub) => {
            checked(&sub)?;
            Filter::Present(sub)
        }
        Filter::Compare(sub, operator, literal) => {
            checked(&sub)?;
            let literal = of_sub(place, sub.as_str(), literal);
            Filter::Compare(sub, operator, literal)
        }
        other => other,
    })
}

fn of_sub(place: &Place, sub: &str, literal: Literal) -> Literal {
    if sub.eq_ignore_ascii_case("value") {
        place.literal(literal)
    } else {
        literal
    }
}

/// Of an identifier only a whole one can be found, for its form here is not the one it is kept
/// in.
fn check_operator(kind: Kind, path: &AttrPath, operator: Operator) -> Result<(), Fault> {
    let is_whole = matches!(operator, Operator::Eq | Operator::Ne);
    if Place::find(kind, path)?.identifies && !is_whole {
        return Err(Fault::filter(&format!("{path} {operator}")));
    }
    Ok(())
}

/// What a path of a patch selects members by, in terms of what is kept.
pub(super) fn members_path(path: &str) -> Result<String, Fault> {
    let invalid = || {
        let id = "error.common.validation.invalidPatchPath";
        Fault::invalid(id, format!("The path {path} is invalid."))
    };
    let name = schema::GROUP[0].uri;
    let bare = path
        .get(..name.len())
        .filter(|it| it.eq_ignore_ascii_case(name));
    let bare = bare.map_or(path, |it| path[it.len()..].trim_start_matches(':'));
    let Some((attribute, rest)) = bare.split_once('[') else {
        return Ok(bare.to_owned());
    };
    let (inner, after) = rest.rsplit_once(']').ok_or_else(invalid)?;
    let text = format!("{attribute}[{inner}]");
    let parsed = Filter::parse(&text, &filter::Limits::default()).map_err(|_| invalid())?;
    let moved = moved(Kind::Group, parsed).map_err(|_| invalid())?;
    Ok(format!("{moved}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0f2c6a0e-2c57-4b6e-9a2b-6f1d2f0f8f11";
    const ID: &str = "0f2c6a0e2c574b6e9a2b6f1d2f0f8f11";

    #[test]
    fn filters_lead_to_what_is_kept() {
        let own = Kind::User.own().unwrap();
        for (kind, written, expected) in [
            (
                Kind::User,
                "userName EQ \"m\"".to_owned(),
                "userName eq \"m\"".to_owned(),
            ),
            (
                Kind::User,
                format!("id eq \"{ID}\""),
                format!("id eq \"{UUID}\""),
            ),
            (
                Kind::User,
                format!("ocid eq \"ocid1.user.oc1..{ID}\""),
                format!("id eq \"{UUID}\""),
            ),
            (
                Kind::User,
                "tags[key eq \"a\"]".to_owned(),
                format!("{own}:tags[key eq \"a\"]"),
            ),
            (
                Kind::Group,
                format!("members eq \"{ID}\""),
                format!("members eq \"{UUID}\""),
            ),
            (
                Kind::Group,
                format!("members[value eq \"{ID}\"]"),
                format!("members[value eq \"{UUID}\"]"),
            ),
        ] {
            let parsed = Filter::parse(&written, &filter::Limits::default()).unwrap();
            let moved = moved(kind, parsed).unwrap();
            assert_eq!(moved.to_string(), expected, "{written}");
        }
    }

    #[test]
    fn what_is_not_searchable_is_refused() {
        for written in [
            "description eq \"x\"",
            "password pr",
            "nonsense eq 1",
            "photos pr",
            "emails[verified eq true]",
            "id co \"0f\"",
        ] {
            let parsed = Filter::parse(written, &filter::Limits::default()).unwrap();
            assert!(moved(Kind::User, parsed).is_err(), "{written}");
        }
    }

    #[test]
    fn members_are_selected_by_what_is_kept() {
        for (path, expected) in [
            ("members".to_owned(), "members".to_owned()),
            (
                format!("members[value eq \"{ID}\"]"),
                format!("members[value eq \"{UUID}\"]"),
            ),
            (
                format!("urn:ietf:params:scim:schemas:core:2.0:Group:members[value eq \"{ID}\"]"),
                format!("members[value eq \"{UUID}\"]"),
            ),
        ] {
            assert_eq!(members_path(&path).unwrap(), expected);
        }
    }
}
