//! What exports write: comma-separated values, as imports read them.

/// A row of comma-separated values (RFC 4180), with its end.
#[must_use]
pub fn row<C: AsRef<[u8]>>(cells: impl IntoIterator<Item = C>) -> Vec<u8> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    // Into memory nothing fails to be written.
    let written = writer.write_record(cells);
    let row = written.ok().and_then(|()| writer.into_inner().ok());
    row.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let cells = ["a,b", "\"c\"", "", "two\nlines", " d "];
        assert_eq!(crate::import::first(&row(cells)).unwrap(), cells);
    }
}
