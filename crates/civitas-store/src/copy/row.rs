//! Rows as no database writes them, and what identifies many of them.

use sha2::{Digest as _, Sha256};

/// What stands in a column of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Number(i64),
    Octets(Vec<u8>),
}

/// The cells of a table's columns, in their order.
pub(crate) type Row = Vec<Cell>;

impl Cell {
    /// Bytes that the cell takes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Null => 1,
            Self::Number(_) => 9,
            Self::Octets(octets) => 9 + octets.len(),
        }
    }
}

/// The cells as bytes. No others have the same.
pub(crate) fn encode(cells: &[Cell]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(cells.iter().map(Cell::size).sum());
    for cell in cells {
        match cell {
            Cell::Null => bytes.push(0),
            Cell::Number(number) => {
                bytes.push(1);
                bytes.extend(number.to_be_bytes());
            }
            Cell::Octets(octets) => {
                bytes.push(2);
                bytes.extend((octets.len() as u64).to_be_bytes());
                bytes.extend(octets);
            }
        }
    }
    bytes
}

/// The cells of bytes that [`encode`] wrote; `None` of others.
pub(crate) fn decode(mut bytes: &[u8]) -> Option<Vec<Cell>> {
    let mut cells = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        let (cell, rest) = match kind {
            0 => (Cell::Null, rest),
            1 => {
                let (number, rest) = rest.split_first_chunk()?;
                (Cell::Number(i64::from_be_bytes(*number)), rest)
            }
            2 => {
                let (length, rest) = rest.split_first_chunk()?;
                let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
                let (octets, rest) = rest.split_at_checked(length)?;
                (Cell::Octets(octets.to_vec()), rest)
            }
            _ => return None,
        };
        cells.push(cell);
        bytes = rest;
    }
    Some(cells)
}

/// What identifies the rows of a table: the sum of their SHA-256, which the order of the rows
/// does not change, because no two databases sort alike; and how many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) rows: u64,
    sum: [u64; 4],
}

impl Digest {
    pub(crate) fn add(&mut self, row: &[Cell]) {
        let hash = Sha256::digest(encode(row));
        for (sum, lane) in self.sum.iter_mut().zip(hash.chunks_exact(8)) {
            let lane = lane
                .iter()
                .fold(0, |lane, byte| lane << 8 | u64::from(*byte));
            *sum = sum.wrapping_add(lane);
        }
        self.rows += 1;
    }

    /// What a hash over several tables takes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let lanes = [&[self.rows][..], &self.sum].concat();
        lanes.iter().flat_map(|lane| lane.to_be_bytes()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        vec![
            Cell::Number(-7),
            Cell::Null,
            Cell::Octets(b"ann".to_vec()),
            Cell::Octets(Vec::new()),
        ]
    }

    #[test]
    fn cells_come_back() {
        assert_eq!(decode(&encode(&row())), Some(row()));
        assert_eq!(decode(&encode(&row())[1..]), None);
        assert_eq!(decode(&[2, 0, 0, 0, 0, 0, 0, 0, 9, 1]), None);
    }

    #[test]
    fn a_digest_knows_rows_but_not_their_order() {
        let other = vec![Cell::Number(8)];
        let of = |rows: &[&Row]| {
            let mut digest = Digest::default();
            for row in rows {
                digest.add(row);
            }
            digest
        };
        assert_eq!(of(&[&row(), &other]), of(&[&other, &row()]));
        assert_ne!(of(&[&row(), &other]), of(&[&row(), &row()]));
        assert_ne!(of(&[&row()]), of(&[&row(), &other]));
    }
}
