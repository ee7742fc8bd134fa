//! Places among the resources of a kind, found by counts of blocks.

use crate::rid::rid;

/// The block in which the resource `left` places on stands, of all but `except` (ascending);
/// `left` becomes its place within. The blocks are of `bits` bits, with their counts, in order.
pub(crate) fn find<E>(
    kind: i64,
    bits: u32,
    blocks: impl Iterator<Item = Result<(i64, i64), E>>,
    except: &[i64],
    left: &mut i64,
) -> Result<Option<i64>, E> {
    for counted in blocks {
        let (block, count) = counted?;
        let start = rid(kind, block << bits);
        let end = rid(kind, (block + 1) << bits);
        let excluded =
            except.partition_point(|rid| *rid < end) - except.partition_point(|rid| *rid < start);
        let present = count - excluded as i64;
        if *left < present {
            return Ok(Some(block));
        }
        *left -= present;
    }
    Ok(None)
}
