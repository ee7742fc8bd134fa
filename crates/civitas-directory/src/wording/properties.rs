//! Texts as `key=value`, one in a line.

use std::collections::HashMap;

/// A line that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not of the form key=value")]
pub struct Malformed {
    /// Its number, from 1.
    pub line: usize,
}

/// Reads the texts of a set. Empty lines and those that begin with `#` say nothing; of several
/// texts with a key the last one counts.
pub fn parse(text: &str) -> Result<HashMap<String, String>, Malformed> {
    let mut found = HashMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let pair = line.split_once('=');
        let pair = pair.map(|(key, value)| (key.trim(), value.trim()));
        match pair.filter(|(key, _)| !key.is_empty()) {
            Some((key, value)) => found.insert(key.to_owned(), value.to_owned()),
            None => return Err(Malformed { line: number + 1 }),
        };
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_keys_and_values() {
        let found = parse("# note\r\na=1\n\n b.c = two = 2 \na=3").unwrap();
        assert_eq!(found["a"], "3");
        assert_eq!(found["b.c"], "two = 2");
        assert_eq!(found.len(), 2);
        assert_eq!(parse("a=1\nb"), Err(Malformed { line: 2 }));
        assert_eq!(parse("=1"), Err(Malformed { line: 1 }));
    }
}
