//! Totals and places: how many resources a kind has, and which one stands at an offset,
//! without passing over those before it.

use rusqlite::{Connection, Result};

use super::schema::{BLOCK_BITS, last_of, rid};

/// How many resources the kind has.
pub(super) fn total(connection: &Connection, kind: i64) -> Result<u64> {
    connection
        .prepare_cached("SELECT coalesce(sum(count), 0) FROM census WHERE kind = ?1 AND bits = ?2")?
        .query_row((kind, BLOCK_BITS[0]), |row| row.get(0))
        .map(i64::cast_unsigned)
}

/// The resource at a zero-based offset in creation order, of all but `except` (ascending).
pub(super) fn seek(
    connection: &Connection,
    kind: i64,
    except: &[i64],
    offset: u64,
) -> Result<Option<i64>> {
    let mut left = offset.cast_signed();
    let mut first = rid(kind, 0);
    let mut last = last_of(kind);
    if offset > 0 {
        for bits in BLOCK_BITS {
            let Some(block) = descend(connection, kind, bits, except, (first, last), &mut left)?
            else {
                return Ok(None);
            };
            first = rid(kind, block << bits);
            last = rid(kind, (block + 1) << bits) - 1;
        }
    }
    let mut statement = connection
        .prepare_cached("SELECT rid FROM resource WHERE rid BETWEEN ?1 AND ?2 ORDER BY rid")?;
    let mut rows = statement.query([first, last])?;
    while let Some(row) = rows.next()? {
        let rid = row.get(0)?;
        if except.binary_search(&rid).is_err() {
            if left == 0 {
                return Ok(Some(rid));
            }
            left -= 1;
        }
    }
    Ok(None)
}

/// The block, of those in a range of rids, in which the resource `left` places on stands;
/// `left` becomes its place within.
fn descend(
    connection: &Connection,
    kind: i64,
    bits: u32,
    except: &[i64],
    (first, last): (i64, i64),
    left: &mut i64,
) -> Result<Option<i64>> {
    let block_of = |rid: i64| super::schema::ordinal_of(rid) >> bits;
    let mut statement = connection.prepare_cached(
        "SELECT block, count FROM census
         WHERE kind = ?1 AND bits = ?2 AND block BETWEEN ?3 AND ?4 ORDER BY block",
    )?;
    let range = (kind, bits, block_of(first), block_of(last));
    let blocks = statement.query_map(range, |row| Ok((row.get(0)?, row.get(1)?)))?;
    crate::census::find(kind, bits, blocks, except, left)
}
