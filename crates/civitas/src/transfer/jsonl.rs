//! JSON lines: one SCIM user a line.

use std::io::{BufRead, BufReader, Read};

use civitas_scim::{Invalid, json};

use super::Row;
use crate::failure::Failure;

/// Longest line that is read, in bytes.
const MAX_LINE: u64 = 1_048_576;

/// The users of the file. Empty lines are passed over; a line that is no JSON or too long is
/// a row that fails.
pub(super) fn rows(input: impl Read) -> impl Iterator<Item = Result<Row, Failure>> {
    let mut reader = BufReader::new(input);
    let mut line = 0;
    std::iter::from_fn(move || {
        loop {
            line += 1;
            let mut bytes = Vec::new();
            match reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut bytes) {
                Err(error) => return Some(Err(Failure::other(format!("line {line}: {error}")))),
                Ok(0) => return None,
                Ok(_) if bytes.trim_ascii().is_empty() => {}
                Ok(read) if read as u64 == MAX_LINE && !bytes.ends_with(b"\n") => {
                    let skipped = reader.skip_until(b'\n');
                    let body = Err(Invalid::syntax(format!("longer than {MAX_LINE} bytes")));
                    return Some(match skipped {
                        Ok(_) => Ok(Row { line, body }),
                        Err(error) => Err(Failure::other(format!("line {line}: {error}"))),
                    });
                }
                Ok(_) => {
                    let body = json::parse(bytes.trim_ascii(), &json::Limits::default());
                    return Some(Ok(Row { line, body }));
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_rows_and_a_bad_line_fails_alone() {
        let input = b"{\"a\":1}\n\n{bad\n{\"a\":2}";
        let rows: Vec<Row> = rows(&input[..]).map(Result::unwrap).collect();
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.line, row.body.is_ok()))
            .collect();
        assert_eq!(shown, [(1, true), (3, false), (4, true)]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let input = [vec![b'x'; MAX_LINE as usize + 5], b"\n{}".to_vec()].concat();
        let rows: Vec<Row> = rows(&input[..]).map(Result::unwrap).collect();
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.line, row.body.is_ok()))
            .collect();
        assert_eq!(shown, [(1, false), (2, true)]);
    }
}
