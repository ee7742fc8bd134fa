//! Filters of the service as conditions on what is kept. Pure, but for User IDs, which are looked
//! up before ([`user_ids`]).

use std::collections::HashMap;

use civitas_scim::{
    condition::Condition,
    filter::{self, Filter, Literal, Operator},
    path::AttrPath,
    schema::{Attribute, Index, Mutability, ResourceType, Returned, Type, urn},
    tolerance::Tolerance,
};

use super::{
    object::DERIVED,
    schema::{CUSTOM_GROUP, SAP_GROUP, SAP_USER},
    view,
};
use crate::dialect::sap::{fault::Fault, kind::Kind};

/// A filter that was read.
pub(in crate::dialect::sap) struct Written {
    filter: Filter,
}

/// The identifiers of users by their User IDs, as far as there are such.
pub(in crate::dialect::sap) type Ids = HashMap<String, Option<String>>;

fn invalid() -> Fault {
    Fault::invalid("invalidFilter", "Invalid filter")
}

impl Written {
    /// Reads a filter: names and operators are looked at later.
    pub(in crate::dialect::sap) fn parse(text: &str) -> Result<Self, Fault> {
        let filter = Filter::parse(text, &filter::Limits::default());
        let filter = filter.map_err(|_| invalid())?;
        Ok(Self { filter })
    }

    /// The User IDs, and identifiers of groups in the older API, that the filter asks for.
    pub(in crate::dialect::sap) fn numbers(&self, kind: Kind, view: &ResourceType) -> Vec<String> {
        let mut found = Vec::new();
        collect(&self.filter, &mut |path, literal| {
            if let (true, Literal::String(text)) = (is_number(kind, view, path), literal) {
                found.push(text.clone());
            }
        });
        found
    }

    /// The condition that it stands for.
    pub(in crate::dialect::sap) fn condition(
        self,
        kind: Kind,
        view: &ResourceType,
        kept: &ResourceType,
        ids: &Ids,
    ) -> Result<Condition, Fault> {
        let moved = Mover { kind, view, ids }.moved(self.filter)?;
        let resolve = |kept: &ResourceType| {
            let resolved = moved.resolve(kept, &[], &Tolerance::strict());
            resolved.map_err(|_| invalid())
        };
        let exact = resolve(&exact(kind, kept))?;
        // Where nothing is denied, what an index finds without regard to case holds all that is
        // found with it.
        Ok(if denies(&moved) {
            exact
        } else {
            Condition::And(vec![resolve(kept)?, exact])
        })
    }
}

/// Visits the comparisons of a filter.
fn collect<'f>(filter: &'f Filter, visit: &mut impl FnMut(&'f AttrPath, &'f Literal)) {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => {
            for part in parts {
                collect(part, visit);
            }
        }
        Filter::Not(inner) => collect(inner, visit),
        Filter::Compare(path, _, literal) => visit(path, literal),
        Filter::Present(_) | Filter::Element(..) | Filter::ElementCompare(..) => {}
    }
}

fn denies(filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().any(denies),
        Filter::Not(_) => true,
        Filter::Compare(_, operator, _) | Filter::ElementCompare(_, _, _, operator, _) => {
            matches!(
                operator,
                Operator::Ne | Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge
            )
        }
        Filter::Element(_, inner) => denies(inner),
        Filter::Present(_) => false,
    }
}

/// The type that keeps resources, with the case of texts that the service tells apart and SCIM does
/// not.
fn exact(kind: Kind, kept: &ResourceType) -> ResourceType {
    let mut exact = kept.clone();
    let core = view::schemas(kind)[0];
    for known in core
        .attributes
        .iter()
        .map(crate::attribute::Attribute::scim)
    {
        let Some(attribute) = exact.schema.attribute_mut(&known.name) else {
            continue;
        };
        distinguish(attribute, &known);
        for sub in &mut attribute.sub_attributes {
            if let Some(known) = known.sub_attribute(&sub.name) {
                distinguish(sub, known);
            }
        }
    }
    exact
}

fn distinguish(attribute: &mut Attribute, known: &Attribute) {
    if known.case_exact && !attribute.case_exact && known.r#type == Type::String {
        attribute.case_exact = true;
        // The index is by another key.
        attribute.index = Index::None;
    }
}

/// An attribute that a filter names.
struct Named<'v> {
    extension: Option<&'v str>,
    attribute: &'v Attribute,
    sub: Option<&'v Attribute>,
}

fn named<'v>(view: &'v ResourceType, path: &AttrPath) -> Result<Named<'v>, Fault> {
    let found = path.resolve(view).ok_or_else(invalid)?;
    if found.extension.is_some() && !path.as_str().contains(':') {
        return Err(invalid());
    }
    let attribute = found.attribute.ok_or_else(invalid)?;
    let is_secret =
        attribute.mutability == Mutability::WriteOnly || attribute.returned == Returned::Never;
    if is_secret {
        return Err(invalid());
    }
    Ok(Named {
        extension: found.extension,
        attribute,
        sub: found.sub_attribute,
    })
}

/// Whether a path names what is counted.
fn is_number(kind: Kind, view: &ResourceType, path: &AttrPath) -> bool {
    named(view, path).is_ok_and(|it| {
        let place = (kind, it.extension, it.attribute.name.as_str());
        matches!(
            place,
            (Kind::User, Some(SAP_USER), "userId")
                | (Kind::Group, Some(CUSTOM_GROUP), "additionalId")
        )
    })
}

struct Mover<'m> {
    kind: Kind,
    view: &'m ResourceType,
    ids: &'m Ids,
}

fn path(text: &str) -> Result<AttrPath, Fault> {
    AttrPath::parse(text).map_err(|_| invalid())
}

fn equals(at: &str, text: &str) -> Result<Filter, Fault> {
    let literal = Literal::String(text.to_owned());
    Ok(Filter::Compare(path(at)?, Operator::Eq, literal))
}

fn present(at: &str) -> Result<Filter, Fault> {
    Ok(Filter::Present(path(at)?))
}

fn not(inner: Filter) -> Filter {
    Filter::Not(Box::new(inner))
}

/// Of every resource, and of none.
fn constant(holds: bool) -> Result<Filter, Fault> {
    let all = present("id")?;
    Ok(if holds { all } else { not(all) })
}

impl Mover<'_> {
    /// The filter over what is kept.
    fn moved(&self, written: Filter) -> Result<Filter, Fault> {
        let all = |parts: Vec<Filter>| -> Result<Vec<_>, Fault> {
            parts.into_iter().map(|it| self.moved(it)).collect()
        };
        match written {
            Filter::And(parts) => all(parts).map(Filter::And),
            Filter::Or(parts) => all(parts).map(Filter::Or),
            Filter::Not(inner) => self.moved(*inner).map(not),
            Filter::Present(at) => {
                let named = named(self.view, &at)?;
                if self.always(&named) {
                    constant(true)
                } else {
                    present(&self.place(&named)?)
                }
            }
            Filter::Compare(at, operator, literal) => {
                let named = named(self.view, &at)?;
                self.compared(&named, operator, literal)
            }
            Filter::Element(at, inner) => {
                let named = named(self.view, &at)?;
                Ok(Filter::Element(path(&self.place(&named)?)?, inner))
            }
            Filter::ElementCompare(at, inner, sub, operator, literal) => {
                let named = named(self.view, &at)?;
                let at = path(&self.place(&named)?)?;
                Ok(Filter::ElementCompare(at, inner, sub, operator, literal))
            }
        }
    }

    /// Whether every resource has a value.
    fn always(&self, named: &Named<'_>) -> bool {
        let name = named.attribute.name.as_str();
        matches!(
            (self.kind, named.extension, name),
            (
                Kind::User,
                Some(SAP_USER),
                "userId" | "userUuid" | "status" | "mailVerified"
            ) | (Kind::User, None, "active" | "userType")
                | (Kind::Group, Some(CUSTOM_GROUP), "additionalId" | "name")
        )
    }

    /// Where an attribute is kept.
    fn place(&self, named: &Named<'_>) -> Result<String, Fault> {
        let name = named.attribute.name.as_str();
        let sub = named
            .sub
            .map_or_else(String::new, |it| format!(".{}", it.name));
        let own = view::own(self.kind);
        Ok(match named.extension {
            Some(SAP_USER) if matches!(name, "emails" | "phoneNumbers") => {
                let flag = named.sub.is_some_and(|it| it.name.starts_with("verified"));
                match (flag, name) {
                    (true, "emails") => format!("{own}:emailFlags{sub}"),
                    (true, _) => format!("{own}:phoneFlags{sub}"),
                    (false, _) => format!("{name}{sub}"),
                }
            }
            Some(uri) if DERIVED.contains(&(uri, name)) => return Err(invalid()),
            Some(uri @ SAP_GROUP) if view::UNLISTED_OF_GROUPS.iter().any(|it| it.name == name) => {
                let _ = uri;
                format!("{own}:{name}{sub}")
            }
            Some(uri) => {
                let read_only = named.attribute.mutability == Mutability::ReadOnly
                    || named
                        .sub
                        .is_some_and(|it| it.mutability == Mutability::ReadOnly);
                let is_manager = uri == urn::ENTERPRISE_USER;
                if read_only && !is_manager {
                    return Err(invalid());
                }
                format!("{uri}:{name}{sub}")
            }
            None if view::UNLISTED.iter().any(|it| it.name == name) => {
                format!("{own}:{name}{sub}")
            }
            None => format!("{name}{sub}"),
        })
    }

    fn compared(
        &self,
        named: &Named<'_>,
        operator: Operator,
        literal: Literal,
    ) -> Result<Filter, Fault> {
        let name = named.attribute.name.as_str();
        let place = (self.kind, named.extension, name);
        let derived = match (place, &literal) {
            (
                (Kind::User, Some(SAP_USER), "userId")
                | (Kind::Group, Some(CUSTOM_GROUP), "additionalId"),
                Literal::String(text),
            ) => match self.ids.get(text) {
                Some(Some(id)) => equals("id", id)?,
                _ => constant(false)?,
            },
            ((Kind::User, Some(SAP_USER), "userUuid"), Literal::String(text)) => {
                or_id(&format!("{SAP_USER}:userUuid"), text)?
            }
            ((Kind::Group, Some(CUSTOM_GROUP), "name"), Literal::String(text)) => {
                or_id(&format!("{CUSTOM_GROUP}:name"), text)?
            }
            ((Kind::User, Some(SAP_USER), "status"), Literal::String(text)) => status(text)?,
            ((Kind::User, None, "active"), Literal::Boolean(active)) => is_active(*active)?,
            ((Kind::User, None, "userType"), Literal::String(text)) => {
                or_default("userType", text, "public")?
            }
            ((Kind::User, None, "userName"), Literal::String(text)) if text.is_empty() => {
                // Who has none is kept under its identifier, which cannot be asked for.
                return Err(invalid());
            }
            ((Kind::Group, Some(SAP_GROUP), "type"), Literal::String(text)) => {
                or_default(&format!("{SAP_GROUP}:type"), text, "userGroup")?
            }
            ((Kind::Group, Some(SAP_GROUP), "supportedOperations"), Literal::String(text)) => {
                or_default(
                    &format!("{SAP_GROUP}:supportedOperations"),
                    text,
                    "readWrite",
                )?
            }
            ((Kind::User, Some(SAP_USER), "mailVerified"), Literal::Boolean(verified)) => {
                // Of the primary address alone; asked for by its element.
                let _ = verified;
                return Err(invalid());
            }
            _ => {
                let at = path(&self.place(named)?)?;
                return Ok(Filter::Compare(at, operator, literal));
            }
        };
        match operator {
            Operator::Eq => Ok(derived),
            Operator::Ne => Ok(not(derived)),
            _ => Err(invalid()),
        }
    }
}

/// What is set to the text, or is not set and so equal to the identifier.
fn or_id(at: &str, text: &str) -> Result<Filter, Fault> {
    let by_id = Filter::And(vec![equals("id", text)?, not(present(at)?)]);
    Ok(Filter::Or(vec![equals(at, text)?, by_id]))
}

/// What is set to the text, or is not set and so has the default.
fn or_default(at: &str, text: &str, default: &str) -> Result<Filter, Fault> {
    let set = equals(at, text)?;
    if text != default {
        return Ok(set);
    }
    Ok(Filter::Or(vec![set, not(present(at)?)]))
}

fn is_active(active: bool) -> Result<Filter, Fault> {
    let literal = Literal::Boolean(false);
    let inactive = Filter::Compare(path("active")?, Operator::Eq, literal);
    Ok(if active { not(inactive) } else { inactive })
}

fn status(text: &str) -> Result<Filter, Fault> {
    let is_new = equals(&format!("{SAP_USER}:status"), "new")?;
    Ok(match text.to_ascii_lowercase().as_str() {
        "active" => is_active(true)?,
        "new" => Filter::And(vec![is_active(false)?, is_new]),
        "inactive" => Filter::And(vec![is_active(false)?, not(is_new)]),
        _ => constant(false)?,
    })
}

#[cfg(test)]
mod tests {
    use civitas_directory::Catalogue;

    use super::*;

    fn moved(kind: Kind, text: &str) -> Result<String, Fault> {
        let catalogue = Catalogue::standard();
        let view = view::of(kind, &catalogue);
        let kept = view::kept(kind, &catalogue).unwrap();
        let ids = Ids::from([("P000001".to_owned(), Some("7".to_owned()))]);
        let written = Written::parse(text)?;
        let moved = Mover {
            kind,
            view: &view,
            ids: &ids,
        };
        let moved = moved.moved(written.filter.clone())?;
        written.condition(kind, &view, &kept, &ids)?;
        Ok(moved.to_string())
    }

    #[test]
    fn filters_lead_to_what_is_kept() {
        let sap = SAP_USER;
        for (kind, written, expected) in [
            (
                Kind::User,
                "userName EQ \"m\"".to_owned(),
                "userName eq \"m\"".to_owned(),
            ),
            (
                Kind::User,
                "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"m\"".to_owned(),
                "userName eq \"m\"".to_owned(),
            ),
            (
                Kind::User,
                "emails eq \"m\"".to_owned(),
                "emails eq \"m\"".to_owned(),
            ),
            (
                Kind::User,
                format!("{sap}:userId eq \"P000001\""),
                "id eq \"7\"".to_owned(),
            ),
            (
                Kind::User,
                format!("{sap}:status eq \"new\""),
                format!("active eq false and {sap}:status eq \"new\""),
            ),
            (
                Kind::User,
                "active eq true".to_owned(),
                "not (active eq false)".to_owned(),
            ),
            (
                Kind::Group,
                format!("{CUSTOM_GROUP}:name eq \"g\""),
                format!(
                    "{CUSTOM_GROUP}:name eq \"g\" or id eq \"g\" and not ({CUSTOM_GROUP}:name pr)"
                ),
            ),
        ] {
            assert_eq!(
                moved(kind, &written).as_deref(),
                Ok(expected.as_str()),
                "{written}"
            );
        }
    }

    #[test]
    fn documented_filters_are_taken() {
        let sap = SAP_USER;
        for filter in [
            "emails.value eq \"x\"".to_owned(),
            "name.familyName eq \"x\"".to_owned(),
            "externalId eq \"x\"".to_owned(),
            "addresses.country eq \"DE\"".to_owned(),
            "locale eq \"DE\"".to_owned(),
            "roles eq \"x\"".to_owned(),
            "groups eq \"x\"".to_owned(),
            "groups.display eq \"x\"".to_owned(),
            "meta.lastModified gt \"1970-01-01T00:00:00+02:00\"".to_owned(),
            format!("{}:costCenter eq \"x\"", urn::ENTERPRISE_USER),
            format!("{sap}:userUuid eq \"x\""),
            "emails[type eq \"work\" and primary eq true]".to_owned(),
            "emails[type eq \"work\"].value eq \"x\"".to_owned(),
            "urn:sap:cloud:scim:schemas:extension:custom:2.0:User:attributes[name eq \
             \"customAttribute1\" and value eq \"x\"]"
                .to_owned(),
        ] {
            assert!(moved(Kind::User, &filter).is_ok(), "{filter}");
        }
        for filter in [
            "members.value eq \"x\"",
            "members eq \"x\"",
            "urn:ietf:params:scim:schemas:extension:sap:2.0:Group:type eq \"userGroup\"",
            "urn:ietf:params:scim:schemas:extension:sap:2.0:Group:externalName eq \"x\"",
        ] {
            assert!(moved(Kind::Group, filter).is_ok(), "{filter}");
        }
        for filter in [
            "userName zz \"a\"",
            "nonsense eq \"a\"",
            "password eq \"a\"",
            "costCenter eq \"a\"",
        ] {
            assert!(moved(Kind::User, filter).is_err(), "{filter}");
        }
    }
}
