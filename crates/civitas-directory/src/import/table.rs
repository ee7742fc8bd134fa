//! A file of comma-separated values, read part by part.

use std::{collections::VecDeque, io::Read};

use civitas_scim::schema::ResourceType;

use super::{Format, Heads, Row, Splitter, Unreadable, part};

/// Bytes read at a time.
const READ: usize = 64 * 1024;

/// The rows of the file.
pub(super) struct Table<R> {
    input: R,
    splitter: Splitter,
    heads: Heads,
    kind: ResourceType,
    /// Rows of the part that was read last.
    rows: VecDeque<Result<Row, Unreadable>>,
    ended: bool,
}

impl<R: Read> Table<R> {
    /// Reads the heads, which must be paths of the resource type.
    pub(super) fn read(mut input: R, kind: &ResourceType) -> Result<Self, Unreadable> {
        let mut splitter = Splitter::new(Format::Csv);
        let mut rows = VecDeque::new();
        let mut ended = false;
        let mut first = None;
        while splitter.heads().is_none() && !ended {
            (first, ended) = more(&mut input, &mut splitter)?;
        }
        let heads = Heads::read(splitter.heads().unwrap_or_default(), kind)?;
        if let Some(content) = first {
            rows.extend(part(Some(&heads), &content, kind)?);
        }
        Ok(Self {
            input,
            splitter,
            heads,
            kind: kind.clone(),
            rows,
            ended,
        })
    }

    fn next_part(&mut self) -> Result<(), Unreadable> {
        let (content, ended) = more(&mut self.input, &mut self.splitter)?;
        self.ended = ended;
        if let Some(content) = content {
            let rows = part(Some(&self.heads), &content, &self.kind)?;
            self.rows.extend(rows);
        }
        Ok(())
    }
}

/// Reads on: a part, if there is enough for one, and whether the input has ended.
fn more(
    input: &mut impl Read,
    splitter: &mut Splitter,
) -> Result<(Option<Vec<u8>>, bool), Unreadable> {
    let mut bytes = vec![0; READ];
    let failed = |error: std::io::Error| Unreadable(error.to_string());
    let read = input.read(&mut bytes).map_err(failed)?;
    let cut = match read {
        0 => splitter.finish(),
        read => splitter.push(&bytes[..read])?,
    };
    Ok((cut.map(|it| it.content), read == 0))
}

impl<R: Read> Iterator for Table<R> {
    type Item = Result<Row, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Some(row);
            }
            if self.ended {
                return None;
            }
            if let Err(error) = self.next_part() {
                self.ended = true;
                return Some(Err(error));
            }
        }
    }
}
