//! From filter to text.

use std::fmt;

use super::{Filter, Literal};

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => joined(f, parts, " and ", |part| {
                matches!(part, Self::And(_) | Self::Or(_))
            }),
            Self::Or(parts) => joined(f, parts, " or ", |part| matches!(part, Self::Or(_))),
            Self::Not(inner) => write!(f, "!({inner})"),
            Self::Constant(value) => write!(f, "{value}"),
            Self::Present(pointer) => write!(f, "{pointer} pr"),
            Self::Compare(pointer, operator, literal) => {
                write!(f, "{pointer} {} {literal}", operator.keyword())
            }
            Self::In(pointer, values) => {
                let list = serde_json::Value::from(values.as_slice()).to_string();
                write!(f, "{pointer} in {}", Literal::Text(list))
            }
        }
    }
}

/// The parts with a word between them, those in parentheses that would join the others.
fn joined(
    f: &mut fmt::Formatter<'_>,
    parts: &[Filter],
    word: &str,
    joins: impl Fn(&Filter) -> bool,
) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(word)?;
        }
        if joins(part) {
            write!(f, "({part})")?;
        } else {
            write!(f, "{part}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Text(text) => {
                f.write_str("\"")?;
                for letter in text.chars() {
                    if matches!(letter, '"' | '\\') {
                        f.write_str("\\")?;
                    }
                    write!(f, "{letter}")?;
                }
                f.write_str("\"")
            }
        }
    }
}
