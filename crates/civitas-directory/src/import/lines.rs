//! JSON lines: one resource a line.

use std::io::{BufRead, BufReader, Read};

use civitas_scim::{Invalid, json};

use super::{MAX_ROW, Row, Unreadable};

/// The rows of the input, whose first line has that number. Empty lines are passed over; a
/// line that is no JSON or too long is a row that fails.
pub(super) fn rows(input: impl Read, first: u64) -> impl Iterator<Item = Result<Row, Unreadable>> {
    let mut reader = BufReader::new(input);
    let mut line = first.saturating_sub(1);
    std::iter::from_fn(move || {
        loop {
            line += 1;
            let failed = |error: std::io::Error| Unreadable(format!("line {line}: {error}"));
            let mut bytes = Vec::new();
            let mut most = reader.by_ref().take(MAX_ROW as u64);
            match most.read_until(b'\n', &mut bytes) {
                Err(error) => return Some(Err(failed(error))),
                Ok(0) => return None,
                Ok(_) if bytes.trim_ascii().is_empty() => {}
                Ok(read) if read == MAX_ROW && !bytes.ends_with(b"\n") => {
                    let skipped = reader.skip_until(b'\n');
                    let body = Err(Invalid::syntax(format!("longer than {MAX_ROW} bytes")));
                    return Some(match skipped {
                        Ok(_) => Ok(Row { line, body }),
                        Err(error) => Err(failed(error)),
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
        let rows: Vec<Row> = rows(&input[..], 1).map(Result::unwrap).collect();
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.line, row.body.is_ok()))
            .collect();
        assert_eq!(shown, [(1, true), (3, false), (4, true)]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let input = [vec![b'x'; MAX_ROW + 5], b"\n{}".to_vec()].concat();
        let rows: Vec<Row> = rows(&input[..], 7).map(Result::unwrap).collect();
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.line, row.body.is_ok()))
            .collect();
        assert_eq!(shown, [(7, false), (8, true)]);
    }
}
