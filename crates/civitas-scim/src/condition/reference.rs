//! Conditions on references that no document holds: `$ref` of members, groups and managers is
//! the base, the endpoint of the target's type and its `id`, so that what is asked of it can
//! be asked of `value` and `type`, which stores know.

use super::{Condition, Target};
use crate::{
    Attributes,
    filter::Operator,
    path::AttrPath,
    schema::{Attribute, ResourceType, urn::ENTERPRISE_USER},
    value::Key,
};

const REFERENCE: &str = "$ref";

/// What references begin with.
#[derive(Debug, Clone, Copy)]
pub struct References<'c> {
    /// The base of URIs, as the caller sees it, such as `https://id.example.com/scim/v2`.
    pub base: &'c str,
    /// The types that are referred to.
    pub types: &'c [ResourceType],
}

impl References<'_> {
    /// The reference to a resource of the type, but for its `id`.
    fn prefix(&self, kind: &ResourceType) -> String {
        format!("{}{}/", self.base, kind.endpoint)
    }

    /// The `id` that a reference ends with, if it is one to a resource of the types.
    fn id<'r>(&self, reference: &'r str) -> Option<&'r str> {
        self.types.iter().find_map(|kind| {
            let id = reference.strip_prefix(&self.prefix(kind))?;
            (!id.is_empty() && !id.contains('/')).then_some(id)
        })
    }

    /// Names the element that a filter describes by its `value` where it does by reference.
    pub(crate) fn identify(&self, described: &mut Attributes) {
        let id = described
            .get(REFERENCE)
            .and_then(|it| self.id(it.as_str()?));
        if let Some(id) = id.map(str::to_owned) {
            described.entry("value").or_insert(id.into());
        }
    }
}

impl Condition {
    /// The condition on a resource of the type, with nothing in it that looks at a reference
    /// which is not stored.
    #[must_use]
    pub fn dereferenced(self, rt: &ResourceType, references: &References<'_>) -> Self {
        self.rewritten(rt, references, false)
    }

    /// The condition on an element of a multi-valued attribute of the type, likewise.
    #[must_use]
    pub fn dereferenced_in_element(self, rt: &ResourceType, references: &References<'_>) -> Self {
        self.rewritten(rt, references, true)
    }

    fn rewritten(self, rt: &ResourceType, references: &References<'_>, in_element: bool) -> Self {
        let all = |parts: Vec<Self>| -> Vec<Self> {
            let parts = parts.into_iter();
            parts
                .map(|it| it.rewritten(rt, references, in_element))
                .collect()
        };
        match self {
            Self::And(parts) => Self::And(all(parts)),
            Self::Or(parts) => Self::Or(all(parts)),
            Self::Not(inner) => Self::Not(Box::new(inner.rewritten(rt, references, in_element))),
            Self::Element(target, inner) => {
                Self::Element(target, Box::new(inner.rewritten(rt, references, true)))
            }
            Self::Present(target) => match Derived::of(&target, rt) {
                Some(derived) => Self::Present(derived.value),
                None => Self::Present(target),
            },
            Self::Compare(target, operator, Key::Text(operand)) => match Derived::of(&target, rt) {
                Some(derived) => derived.compare(references, operator, &operand, in_element),
                None => Self::Compare(target, operator, Key::Text(operand)),
            },
            other => other,
        }
    }
}

/// An attribute whose references are derived from its `value`.
struct Derived<'t> {
    attribute: &'t Attribute,
    extension: Option<&'t str>,
    value: Target,
    refers_to: RefersTo,
}

/// What the values of an attribute refer to.
#[derive(Clone, Copy)]
enum RefersTo {
    /// Resources of this type.
    One(&'static str),
    /// Resources of the type that the element's `type` names.
    ByType,
}

impl<'t> Derived<'t> {
    fn of(target: &Target, rt: &'t ResourceType) -> Option<Self> {
        if target.sub_attribute.as_deref() != Some(REFERENCE) {
            return None;
        }
        let refers_to = match (target.extension.as_deref(), target.attribute.as_str()) {
            (None, "members") => RefersTo::ByType,
            (None, "groups") => RefersTo::One("Group"),
            (Some(ENTERPRISE_USER), "manager") => RefersTo::One("User"),
            _ => return None,
        };
        let whole = target.path.strip_suffix(".$ref")?;
        let found = AttrPath::parse(whole).ok()?.resolve(rt)?;
        let attribute = found.attribute?;
        let value = attribute.sub_attribute("value")?;
        Some(Self {
            attribute,
            extension: found.extension,
            value: Target::new(found.extension, attribute, Some(value)),
            refers_to,
        })
    }

    fn compare(
        self,
        references: &References<'_>,
        operator: Operator,
        operand: &str,
        in_element: bool,
    ) -> Condition {
        let referred = references.types.iter().filter(|kind| match self.refers_to {
            RefersTo::One(name) => kind.name == name,
            RefersTo::ByType => true,
        });
        if operator == Operator::Ne {
            // What differs has another value, or another type.
            let mut differ = Vec::new();
            for kind in referred {
                if let Some(id) = operand.strip_prefix(&references.prefix(kind)) {
                    differ.push(self.on_value(Operator::Ne, id));
                    differ.extend(self.on_type(Operator::Ne, kind));
                }
            }
            return if differ.is_empty() {
                Condition::Not(Box::new(Condition::Never))
            } else {
                Condition::Or(differ)
            };
        }
        let mut some = Vec::new();
        for kind in referred {
            let of_type = self.on_type(Operator::Eq, kind);
            let on_value = match asked(&references.prefix(kind), operator, operand) {
                Asked::None => continue,
                Asked::All => Condition::Present(self.value.clone()),
                Asked::Value(all) => Condition::Or(
                    all.into_iter()
                        .map(|(operator, operand)| self.on_value(operator, operand))
                        .collect(),
                ),
            };
            let both = match of_type {
                None => on_value,
                Some(of_type) => self.in_one(Condition::And(vec![on_value, of_type]), in_element),
            };
            some.push(both);
        }
        if some.is_empty() {
            Condition::Never
        } else {
            Condition::Or(some)
        }
    }

    fn on_value(&self, operator: Operator, operand: &str) -> Condition {
        let key = self.value.comparison.text_key(operand);
        let compare = |key| Condition::Compare(self.value.clone(), operator, key);
        key.map_or(Condition::Never, compare)
    }

    fn on_type(&self, operator: Operator, kind: &ResourceType) -> Option<Condition> {
        let RefersTo::ByType = self.refers_to else {
            return None;
        };
        let sub = self.attribute.sub_attribute("type")?;
        let target = Target::new(self.extension, self.attribute, Some(sub));
        let key = target.comparison.text_key(&kind.name)?;
        Some(Condition::Compare(target, operator, key))
    }

    /// A condition that one element is to satisfy.
    fn in_one(&self, condition: Condition, in_element: bool) -> Condition {
        if in_element {
            return condition;
        }
        let whole = Target::new(self.extension, self.attribute, None);
        Condition::Element(whole, Box::new(condition))
    }
}

/// What a comparison of a reference asks of the value that it ends with.
enum Asked<'o> {
    /// Nothing: any will do.
    All,
    /// Whatever it is, it will not do.
    None,
    /// That one of these comparisons holds.
    Value(Vec<(Operator, &'o str)>),
}

/// What is asked of the rest of a text that begins with `prefix`.
fn asked<'o>(prefix: &str, operator: Operator, operand: &'o str) -> Asked<'o> {
    use Operator as O;

    let rest = operand.strip_prefix(prefix);
    let begin_of_rest = |known: bool| if known { Asked::All } else { Asked::None };
    match operator {
        O::Eq | O::Ne => match rest {
            Some(rest) => Asked::Value(vec![(operator, rest)]),
            None => Asked::None,
        },
        O::Sw => match rest {
            Some(rest) if !rest.is_empty() => Asked::Value(vec![(O::Sw, rest)]),
            _ => begin_of_rest(prefix.starts_with(operand)),
        },
        O::Co if prefix.contains(operand) => Asked::All,
        O::Co => Asked::Value(across(prefix, operand, O::Co, O::Sw)),
        O::Ew => Asked::Value(across(prefix, operand, O::Ew, O::Eq)),
        O::Gt | O::Ge | O::Lt | O::Le => match rest {
            Some(rest) => Asked::Value(vec![(operator, rest)]),
            // The first difference lies in the prefix, or the operand ends there.
            None => begin_of_rest((prefix > operand) == matches!(operator, O::Gt | O::Ge)),
        },
    }
}

/// The operand is found in the rest alone, or begins at the end of the prefix.
fn across<'o>(
    prefix: &str,
    operand: &'o str,
    in_rest: Operator,
    at_its_begin: Operator,
) -> Vec<(Operator, &'o str)> {
    let splits = operand.char_indices().skip(1).map(|(at, _)| at);
    let over_the_edge = splits.filter(|at| prefix.ends_with(&operand[..*at]));
    let over_the_edge = over_the_edge.map(|at| (at_its_begin, &operand[at..]));
    std::iter::once((in_rest, operand))
        .chain(over_the_edge)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        core,
        filter::{Filter, Limits},
        tolerance::Tolerance,
    };

    const BASE: &str = "https://id.example.com/scim/v2";

    fn element(kind: &ResourceType, id: &str, with_reference: bool) -> Value {
        let mut element = json!({ "value": id, "type": kind.name });
        if with_reference {
            element[REFERENCE] = format!("{BASE}{}/{id}", kind.endpoint).into();
        }
        element
    }

    fn resource(attribute: &str, elements: &[Value]) -> Attributes {
        let mut resource = Attributes::new();
        if !elements.is_empty() {
            resource.insert(attribute.into(), elements.into());
        }
        resource
    }

    fn report(id: &str, with_reference: bool) -> Attributes {
        let mut manager = json!({ "value": id });
        if with_reference {
            manager[REFERENCE] = format!("{BASE}/Users/{id}").into();
        }
        let mut resource = Attributes::new();
        resource.insert(ENTERPRISE_USER.into(), json!({ "manager": manager }));
        resource
    }

    /// What a filter finds in resources without references is what it finds in those with.
    fn agree(filter: &str, rt: &ResourceType, types: &[ResourceType], all: &[[Attributes; 2]]) {
        let references = References { base: BASE, types };
        let parsed = Filter::parse(filter, &Limits::default()).unwrap();
        let shown = parsed.resolve(rt, &[], &Tolerance::generic()).unwrap();
        let stored = shown.clone().dereferenced(rt, &references);
        for [with, without] in all {
            let (expected, found) = (shown.matches(with), stored.matches(without));
            assert_eq!(found, expected, "{filter}: {with:?}");
        }
    }

    #[test]
    fn what_is_asked_of_references_is_asked_of_values() {
        let (user, group) = (core::user(), core::group());
        let types = [user.clone(), group.clone()];
        let pair = |attribute: &str, members: &[(&ResourceType, &str)]| {
            [true, false].map(|with| {
                let elements = members.iter().map(|(kind, id)| element(kind, id, with));
                resource(attribute, &elements.collect::<Vec<_>>())
            })
        };
        let groups = [
            pair("members", &[]),
            pair("members", &[(&user, "u1")]),
            pair("members", &[(&group, "u1")]),
            pair("members", &[(&user, "u2"), (&group, "g7")]),
        ];
        let users = [
            pair("groups", &[]),
            pair("groups", &[(&group, "u1"), (&group, "g7")]),
            [true, false].map(|with| report("u1", with)),
        ];
        let whole = |path: &str| format!("{BASE}{path}");
        let operands = [
            whole(""),
            whole("/Users"),
            whole("/Users/"),
            whole("/Users/u"),
            whole("/Users/u1"),
            whole("/Users/u1/x"),
            whole("/Groups/u1"),
            whole("/Groups/g7"),
            whole("/Groups/U1"),
            whole("/Things/u1"),
            "https://other.example.com/scim/v2/Users/u1".into(),
            "Users/u1".into(),
            "s/u".into(),
            "/Groups/".into(),
            "u1".into(),
            "7".into(),
            "https://".into(),
            "zzz".into(),
            "A".into(),
        ];
        let operators = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
        for operator in operators {
            for operand in &operands {
                let test = format!("$ref {operator} \"{operand}\"");
                for filter in [
                    format!("members.{test}"),
                    format!("not (members.{test})"),
                    format!("members[{test}]"),
                    format!("members[{test} and type eq \"User\"]"),
                    format!("members[not ({test})]"),
                ] {
                    agree(&filter, &group, &types, &groups);
                }
                for filter in [
                    format!("groups.{test}"),
                    format!("groups[{test}]"),
                    format!("{ENTERPRISE_USER}:manager.{test}"),
                ] {
                    agree(&filter, &user, &types, &users);
                }
            }
        }
        agree("members.$ref pr", &group, &types, &groups);
        agree("not (groups[$ref pr])", &user, &types, &users);
    }
}
