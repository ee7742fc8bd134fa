//! Filters as text: one spelling for each filter, which parses to an equal filter.

use std::fmt;

use super::{Filter, Literal, Operator};

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.keyword())
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => chain(f, parts, "and", |part| {
                matches!(part, Self::And(_) | Self::Or(_))
            }),
            Self::Or(parts) => chain(f, parts, "or", |part| matches!(part, Self::Or(_))),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::Compare(path, operator, literal) => write!(f, "{path} {operator} {literal}"),
            Self::Element(path, inner) => write!(f, "{path}[{inner}]"),
            Self::ElementCompare(path, inner, sub, operator, literal) => {
                write!(f, "{path}[{inner}].{sub} {operator} {literal}")
            }
        }
    }
}

fn chain(
    f: &mut fmt::Formatter<'_>,
    parts: &[Filter],
    connective: &str,
    needs_group: fn(&Filter) -> bool,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            write!(f, " {connective} ")?;
        }
        if needs_group(part) {
            write!(f, "({part})")?;
        } else {
            write!(f, "{part}")?;
        }
    }
    Ok(())
}
