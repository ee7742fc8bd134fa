//! What a filter means for objects that no store searches: configurations, jobs, entries of logs.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{Filter, Literal, Operator};
use crate::dialect::crest::pointer::Pointer;

impl Filter {
    /// Whether it holds for an object. Texts compare without case, numbers by value; of a list
    /// one element is enough.
    pub(in super::super) fn holds(&self, object: &Map<String, Value>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|it| it.holds(object)),
            Self::Or(parts) => parts.iter().any(|it| it.holds(object)),
            Self::Not(part) => !part.holds(object),
            Self::Constant(value) => *value,
            Self::Present(pointer) => any(object, pointer, |_| true),
            Self::Compare(pointer, operator, literal) => {
                any(object, pointer, |it| compares(it, *operator, literal))
            }
            Self::In(pointer, all) => any(object, pointer, |it| {
                let is = |text: &String| compares(it, Operator::Eq, &Literal::Text(text.clone()));
                all.iter().any(is)
            }),
        }
    }
}

/// Whether something holds of one of the values that a pointer leads to.
fn any(object: &Map<String, Value>, pointer: &Pointer, holds: impl Fn(&Value) -> bool) -> bool {
    let Some((first, rest)) = pointer.names().split_first() else {
        return false;
    };
    let found = object.get(first).map(|it| values(it, rest));
    found.is_some_and(|all| all.into_iter().any(holds))
}

fn values<'v>(value: &'v Value, names: &[String]) -> Vec<&'v Value> {
    match (value, names) {
        (Value::Array(elements), _) => elements.iter().flat_map(|it| values(it, names)).collect(),
        (Value::Null, _) => Vec::new(),
        (value, []) => vec![value],
        (Value::Object(members), [name, rest @ ..]) => {
            let found = members.get(name).into_iter();
            found.flat_map(|it| values(it, rest)).collect()
        }
        _ => Vec::new(),
    }
}

fn compares(value: &Value, operator: Operator, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::String(text), Literal::Text(given)) => {
            let (text, given) = (text.to_lowercase(), given.to_lowercase());
            match operator {
                Operator::Co => text.contains(&given),
                Operator::Sw => text.starts_with(&given),
                _ => operator.of_order(text.cmp(&given)),
            }
        }
        (Value::Number(number), Literal::Number(given)) => {
            let order = number.as_f64().partial_cmp(&given.as_f64());
            order.is_some_and(|it| operator.of_order(it))
        }
        (Value::Number(number), Literal::Text(given)) => {
            let given = given.trim().parse::<f64>().ok();
            let order = given.and_then(|it| number.as_f64()?.partial_cmp(&it));
            order.is_some_and(|it| operator.of_order(it))
        }
        (Value::Bool(flag), Literal::Boolean(given)) => operator == Operator::Eq && flag == given,
        (Value::Bool(flag), Literal::Text(given)) => {
            operator == Operator::Eq && flag.to_string() == given.to_lowercase()
        }
        _ => false,
    }
}

impl Operator {
    /// Whether it holds between two values that are in this order.
    fn of_order(self, order: Ordering) -> bool {
        match self {
            Self::Eq => order.is_eq(),
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
            Self::Co | Self::Sw => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_hold_for_objects() {
        let object = json!({
            "_id": "mapping/m8", "enabled": true, "count": 8, "none": null, "empty": [],
            "all": [{ "name": "One" }, { "name": "two" }],
        });
        let object = object.as_object().unwrap();
        for (filter, expected) in [
            ("true", true),
            ("_id sw \"MAPPING\"", true),
            ("_id co \"/m\" and count ge 8", true),
            ("count lt 8 or count gt \"7.5\"", true),
            ("count co \"8\"", false),
            ("enabled eq true", true),
            ("enabled eq \"false\"", false),
            ("none pr", false),
            ("empty pr", false),
            ("!(empty pr)", true),
            ("all/name eq \"one\"", true),
            ("all/name eq \"three\"", false),
            ("_id in '[\"a\",\"mapping/m8\"]'", true),
            ("nope eq \"x\"", false),
        ] {
            let parsed = Filter::parse(filter).unwrap();
            assert_eq!(parsed.holds(object), expected, "{filter}");
        }
    }
}
