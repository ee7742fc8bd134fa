//! Cells, which a spreadsheet must not take for formulas. Pure.

use std::borrow::Cow;

/// What a formula may begin with.
const FORMULA: [char; 7] = ['@', '+', '-', '=', '|', '%', '\''];

/// What stands before a value that looks like a formula.
const MARK: char = '\'';

/// The cell that a value is written as.
pub(super) fn written(value: &str) -> Cow<'_, str> {
    if is_formula(value) {
        Cow::Owned(format!("{MARK}{value}"))
    } else {
        Cow::Borrowed(value)
    }
}

/// The value that a cell holds.
pub(super) fn read(cell: &str) -> &str {
    match cell.strip_prefix(MARK) {
        Some(value) if is_formula(value) => value,
        _ => cell,
    }
}

/// Whether a value begins like a formula, or as one does that was marked.
fn is_formula(value: &str) -> bool {
    let rest = value.trim_start_matches(MARK);
    rest.starts_with(FORMULA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were() {
        for (value, cell) in [
            ("plain", "plain"),
            ("+1 555", "'+1 555"),
            ("=1+1", "'=1+1"),
            ("'=x", "''=x"),
            ("'x", "'x"),
            ("''", "''"),
            ("", ""),
            ("a=b", "a=b"),
        ] {
            assert_eq!(written(value), cell, "{value}");
            assert_eq!(read(cell), value, "{cell}");
        }
    }
}
