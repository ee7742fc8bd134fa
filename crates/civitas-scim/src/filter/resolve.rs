//! Filters resolved: attributes found, operators checked against types, operands prepared.

use serde_json::Value;

use super::{Filter, Literal, Operator};
use crate::{
    Invalid,
    coerce::boolean,
    condition::{Condition, Target},
    path::AttrPath,
    path::shown,
    schema::{Attribute, ResourceType, Returned},
    tolerance::{Switch, Tolerance},
    value::{Comparison, Key},
};

impl Filter {
    /// Finds the attributes that the filter names and prepares its operands.
    ///
    /// `others` are the further resource types of a query over several: what only one of
    /// them defines has no value in a resource of type `rt`. Checked all the same, so that
    /// a query is refused or accepted as a whole.
    ///
    /// # Errors
    ///
    /// `invalidFilter` for an unknown attribute, one that is never returned (it would leak
    /// by probing), an operator or a literal that does not fit the attribute.
    pub fn resolve(
        &self,
        rt: &ResourceType,
        others: &[&ResourceType],
        tolerance: &Tolerance,
    ) -> Result<Condition, Invalid> {
        let scope = Types { rt, others };
        resolve(self, &scope, tolerance)
    }

    /// Resolves a filter over the elements of a multi-valued complex attribute, as stands in
    /// a PATCH path. The names are sub-attributes. `extension` is the URI of the extension
    /// that holds the attribute.
    ///
    /// # Errors
    ///
    /// `invalidFilter`, as [`Filter::resolve`].
    pub fn resolve_in(
        &self,
        attribute: &Attribute,
        extension: Option<&str>,
        tolerance: &Tolerance,
    ) -> Result<Condition, Invalid> {
        let scope = Element {
            extension,
            attribute,
        };
        resolve(self, &scope, tolerance)
    }
}

/// Where the names of a filter are looked up.
trait Scope {
    fn find(&self, path: &AttrPath) -> Option<Found<'_>>;
}

struct Types<'t> {
    rt: &'t ResourceType,
    others: &'t [&'t ResourceType],
}

struct Element<'t> {
    extension: Option<&'t str>,
    attribute: &'t Attribute,
}

#[derive(Clone, Copy)]
struct Found<'t> {
    extension: Option<&'t str>,
    attribute: &'t Attribute,
    sub_attribute: Option<&'t Attribute>,
    /// Whether only another resource type defines it.
    elsewhere: bool,
}

impl Scope for Types<'_> {
    fn find(&self, path: &AttrPath) -> Option<Found<'_>> {
        let in_type = |rt, elsewhere| {
            let resolved = path.resolve(rt)?;
            Some(Found {
                extension: resolved.extension,
                attribute: resolved.attribute?,
                sub_attribute: resolved.sub_attribute,
                elsewhere,
            })
        };
        let in_others = || self.others.iter().find_map(|rt| in_type(rt, true));
        in_type(self.rt, false).or_else(in_others)
    }
}

impl Scope for Element<'_> {
    fn find(&self, path: &AttrPath) -> Option<Found<'_>> {
        let sub_attribute = self.attribute.sub_attribute(path.as_str())?;
        Some(Found {
            extension: self.extension,
            attribute: self.attribute,
            sub_attribute: Some(sub_attribute),
            elsewhere: false,
        })
    }
}

fn resolve(
    filter: &Filter,
    scope: &dyn Scope,
    tolerance: &Tolerance,
) -> Result<Condition, Invalid> {
    let all = |parts: &[Filter]| -> Result<Vec<_>, _> {
        let resolved = parts.iter().map(|part| resolve(part, scope, tolerance));
        resolved.collect()
    };
    Ok(match filter {
        Filter::And(parts) => Condition::And(all(parts)?),
        Filter::Or(parts) => Condition::Or(all(parts)?),
        Filter::Not(inner) => not(resolve(inner, scope, tolerance)?),
        Filter::Present(path) => find(scope, path)?.present(),
        Filter::Compare(path, operator, literal) => {
            find(scope, path)?.compare(*operator, literal, tolerance)?
        }
        Filter::Element(path, inner) => find(scope, path)?.element(inner, None, tolerance)?,
        Filter::ElementCompare(path, inner, sub, operator, literal) => {
            let also = Filter::Compare(AttrPath(sub.clone()), *operator, literal.clone());
            find(scope, path)?.element(inner, Some(&also), tolerance)?
        }
    })
}

fn find<'s>(scope: &'s dyn Scope, path: &AttrPath) -> Result<Found<'s>, Invalid> {
    let named = || shown(path.as_str());
    let Some(found) = scope.find(path) else {
        return Err(Invalid::filter(format!("unknown attribute {}", named())));
    };
    if found.is_never_returned() {
        return Err(Invalid::filter(format!("{} cannot be searched", named())));
    }
    Ok(found)
}

fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

impl Found<'_> {
    fn is_never_returned(&self) -> bool {
        let is_never = |attribute: &Attribute| attribute.returned == Returned::Never;
        is_never(self.attribute) || self.sub_attribute.is_some_and(is_never)
    }

    fn target(&self) -> Target {
        Target::new(self.extension, self.attribute, self.sub_attribute)
    }

    fn present(&self) -> Condition {
        self.here(Condition::Present(self.target()))
    }

    /// The condition, unless it looks at what resources of this type do not have.
    fn here(&self, condition: Condition) -> Condition {
        match condition {
            // An absent value differs from any (S-7644-3.4.2.2-17).
            Condition::Compare(_, Operator::Ne, _) if self.elsewhere => not(Condition::Never),
            _ if self.elsewhere => Condition::Never,
            condition => condition,
        }
    }

    fn compare(
        &self,
        operator: Operator,
        literal: &Literal,
        tolerance: &Tolerance,
    ) -> Result<Condition, Invalid> {
        match (operator, literal) {
            (Operator::Eq, Literal::Null) => return Ok(not(self.present())),
            (Operator::Ne, Literal::Null) => return Ok(self.present()),
            _ => {}
        }
        let found = self.or_its_value();
        let target = found.target();
        if found.is_never_returned() {
            return Err(Invalid::filter(format!(
                "{} cannot be searched",
                target.path
            )));
        }
        check_operator(operator, &target)?;
        let Some(key) = operand(target.comparison, literal, tolerance) else {
            return Err(Invalid::filter(format!(
                "{} is compared with {}",
                target.path,
                expected(target.comparison)
            )));
        };
        Ok(found.here(Condition::Compare(target, operator, key)))
    }

    /// A complex attribute named as a whole means its `value` (S-7644-3.4.2.2-21).
    fn or_its_value(&self) -> Self {
        let sub_attribute = self
            .sub_attribute
            .or_else(|| self.attribute.sub_attribute("value"));
        Self {
            sub_attribute,
            ..*self
        }
    }

    fn element(
        &self,
        inner: &Filter,
        also: Option<&Filter>,
        tolerance: &Tolerance,
    ) -> Result<Condition, Invalid> {
        let target = self.target();
        let has_elements = self.attribute.multi_valued
            && self.sub_attribute.is_none()
            && target.comparison == Comparison::Complex;
        if !has_elements {
            return Err(Invalid::filter(format!(
                "{} is not multi-valued and complex: it takes no brackets",
                target.path
            )));
        }
        let scope = Element {
            extension: self.extension,
            attribute: self.attribute,
        };
        let mut condition = resolve(inner, &scope, tolerance)?;
        if let Some(also) = also {
            condition = Condition::And(vec![condition, resolve(also, &scope, tolerance)?]);
        }
        Ok(self.here(Condition::Element(target, Box::new(condition))))
    }
}

fn check_operator(operator: Operator, target: &Target) -> Result<(), Invalid> {
    use Comparison as C;
    use Operator as O;

    let fits = match (target.comparison, operator) {
        (C::Boolean | C::Binary, _) => matches!(operator, O::Eq | O::Ne),
        (C::Complex, _) | (C::Integer | C::Decimal | C::DateTime, O::Co | O::Sw | O::Ew) => false,
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let detail = if target.comparison == Comparison::Complex {
        format!("{} is complex: name a sub-attribute", target.path)
    } else {
        format!("{operator} does not apply to {}", target.path)
    };
    Err(Invalid::filter(detail))
}

fn operand(comparison: Comparison, literal: &Literal, tolerance: &Tolerance) -> Option<Key> {
    match (comparison, literal) {
        (Comparison::Boolean, Literal::String(text)) => boolean(text)
            .filter(|_| tolerance.takes(Switch::BoolStrings))
            .map(|value| Key::Integer(i64::from(value))),
        (_, Literal::String(text)) => comparison.text_key(text),
        (_, Literal::Number(number)) => comparison.key(&Value::Number(number.clone())),
        (_, Literal::Boolean(value)) => comparison.key(&Value::Bool(*value)),
        (_, Literal::Null) => None,
    }
}

fn expected(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Boolean => "true or false",
        Comparison::Integer | Comparison::Decimal => "a number",
        Comparison::DateTime => "a date with a time, such as \"2011-05-13T04:42:34Z\"",
        _ => "a string in double quotes",
    }
}
