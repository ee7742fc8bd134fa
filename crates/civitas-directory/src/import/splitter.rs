//! Cutting a file that arrives bit by bit into parts of whole rows, so that no more than one
//! row and one part of it are held at a time.

use super::{Format, MAX_ROW, Unreadable};

/// From how many bytes on a part is cut off.
const PART: usize = 64 * 1024;

/// A part that was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// What [`super::part`] reads.
    pub content: Vec<u8>,
    /// Rows in it.
    pub rows: u64,
}

/// Cuts a file.
#[derive(Debug)]
pub struct Splitter {
    format: Format,
    /// What was taken in and not cut off.
    held: Vec<u8>,
    /// How far it was looked at.
    seen: usize,
    /// Where its last whole row ends.
    whole: usize,
    /// Rows up to there.
    rows: u64,
    /// Line of the first byte held, and the one that is looked at.
    first: u64,
    line: u64,
    cell: Cell,
    /// The first row of comma-separated values, once it is whole.
    heads: Option<Vec<u8>>,
}

/// Where in a row of comma-separated values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Start,
    Plain,
    Quoted,
    /// After a quotation mark within a quoted cell: its end, or half of a doubled one.
    Closing,
}

impl Splitter {
    /// Nothing was taken in yet.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            held: Vec::new(),
            seen: 0,
            whole: 0,
            rows: 0,
            first: 1,
            line: 1,
            cell: Cell::Start,
            heads: None,
        }
    }

    /// Takes in more of the file, and cuts off a part if there is enough for one.
    ///
    /// # Errors
    /// A row is longer than [`MAX_ROW`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<Cut>, Unreadable> {
        self.held.extend_from_slice(bytes);
        while let Some(byte) = self.held.get(self.seen).copied() {
            self.seen += 1;
            let ends = self.ends_row(byte);
            if byte == b'\n' {
                self.line += 1;
            }
            if ends {
                self.end_row();
            }
        }
        if self.held.len() - self.whole > MAX_ROW {
            let line = self.line;
            return Err(Unreadable(format!(
                "line {line}: a row is longer than {MAX_ROW} bytes"
            )));
        }
        Ok((self.whole >= PART).then(|| self.cut()))
    }

    /// What is left when the file has ended.
    pub fn finish(&mut self) -> Option<Cut> {
        if self.whole < self.held.len() {
            self.end_row();
        }
        (self.rows > 0).then(|| self.cut())
    }

    /// The first row of comma-separated values, once it was taken in.
    pub fn heads(&self) -> Option<&[u8]> {
        self.heads.as_deref()
    }

    /// Whether the byte ends a row.
    fn ends_row(&mut self, byte: u8) -> bool {
        if self.format == Format::Lines {
            return byte == b'\n';
        }
        self.cell = match (self.cell, byte) {
            (Cell::Quoted, b'"') => Cell::Closing,
            (Cell::Start | Cell::Closing, b'"') | (Cell::Quoted, _) => Cell::Quoted,
            (_, b',' | b'\n') => Cell::Start,
            _ => Cell::Plain,
        };
        byte == b'\n' && self.cell == Cell::Start
    }

    fn end_row(&mut self) {
        let row = &self.held[self.whole..self.seen];
        if self.format == Format::Csv && self.heads.is_none() {
            self.heads = Some(row.to_vec());
            self.held.drain(..self.seen);
            (self.seen, self.first) = (0, self.line);
            return;
        }
        self.rows += u64::from(!row.trim_ascii().is_empty());
        self.whole = self.seen;
    }

    fn cut(&mut self) -> Cut {
        let mut content = format!("{}\n", self.first).into_bytes();
        content.extend_from_slice(&self.held[..self.whole]);
        self.held.drain(..self.whole);
        self.seen -= self.whole;
        self.whole = 0;
        // The rest is looked at, so that its lines are known.
        let rest = memchr::memchr_iter(b'\n', &self.held).count();
        self.first = self.line - rest as u64;
        Cut {
            content,
            rows: std::mem::take(&mut self.rows),
        }
    }
}

/// The line of the first row of a part, and the rows.
pub(super) fn opened(content: &[u8]) -> Result<(u64, &[u8]), Unreadable> {
    let unreadable = || Unreadable("a stored part of an import cannot be read".into());
    let end = content.iter().position(|byte| *byte == b'\n');
    let (first, rows) = content.split_at(end.ok_or_else(unreadable)?);
    let first = std::str::from_utf8(first)
        .ok()
        .and_then(|it| it.parse().ok());
    Ok((first.ok_or_else(unreadable)?, &rows[1..]))
}

#[cfg(test)]
mod tests {
    use civitas_scim::core;

    use super::*;
    use crate::import::{Heads, Row, part, rows};

    /// Lines and bodies as they come out of the parts of a file that arrives in pieces.
    fn in_parts(format: Format, text: &[u8], piece: usize) -> (Vec<String>, usize) {
        let user = core::user();
        let mut splitter = Splitter::new(format);
        let mut cuts: Vec<Cut> = Vec::new();
        for piece in text.chunks(piece) {
            cuts.extend(splitter.push(piece).unwrap());
        }
        cuts.extend(splitter.finish());
        let heads = splitter.heads().map(|it| Heads::read(it, &user).unwrap());
        let mut all = Vec::new();
        for cut in &cuts {
            let read: Vec<Row> = part(heads.as_ref(), &cut.content, &user)
                .unwrap()
                .map(Result::unwrap)
                .collect();
            assert_eq!(cut.rows, read.len() as u64);
            all.extend(read.iter().map(|it| format!("{it:?}")));
        }
        (all, cuts.len())
    }

    fn whole(format: Format, text: &[u8]) -> Vec<String> {
        let rows = rows(format, text, &core::user()).unwrap();
        rows.map(|it| format!("{:?}", it.unwrap())).collect()
    }

    #[test]
    fn parts_hold_what_the_whole_holds() {
        let lines: Vec<String> = (0..3_000)
            .map(|n| match n % 100 {
                7 => String::new(),
                8 => "{bad".into(),
                _ => format!(r#"{{"userName":"u{n}","title":"{}"}}"#, "x".repeat(n % 90)),
            })
            .collect();
        let lines = lines.join("\n").into_bytes();
        let rows = (0..3_000).map(|n| match n % 50 {
            3 => format!("u{n},\"two\nlines, and \"\"quoted\"\"\",n\r\n"),
            4 => format!("u{n},5\" pipe,n\n"),
            5 => "\n".into(),
            6 => format!("u{n},short\n"),
            _ => format!("u{n},{},n\n", "t".repeat(n % 70)),
        });
        let heads = "userName,\"title\",nickName\r\n".to_owned();
        let table: String = std::iter::once(heads).chain(rows).collect();
        for (format, text) in [(Format::Lines, lines), (Format::Csv, table.into_bytes())] {
            let expected = whole(format, &text);
            let last = memchr::memchr_iter(b'\n', &text).count();
            let last = last + usize::from(!text.ends_with(b"\n"));
            let shown = format!("line: {last},");
            assert!(
                expected.last().unwrap().contains(&shown),
                "{format:?} {last}"
            );
            for piece in [1, 7, 1_000, 100_000, usize::MAX >> 1] {
                let (all, parts) = in_parts(format, &text, piece);
                let same = all.iter().zip(&expected).find(|(one, other)| one != other);
                assert_eq!(same, None, "{format:?} {piece}");
                assert_eq!(all.len(), expected.len(), "{format:?} {piece}");
                assert!(piece > 10_000 || parts > 1, "{format:?} {piece}: {parts}");
            }
        }
    }

    #[test]
    fn a_row_without_end_is_refused() {
        for (format, start) in [(Format::Lines, "x"), (Format::Csv, "userName\n\"")] {
            let mut splitter = Splitter::new(format);
            assert_eq!(splitter.push(start.as_bytes()), Ok(None));
            let more = vec![b'\n' + u8::from(format == Format::Lines); MAX_ROW + 1];
            assert!(splitter.push(&more).is_err(), "{format:?}");
        }
        assert_eq!(Splitter::new(Format::Csv).finish(), None);
    }
}
