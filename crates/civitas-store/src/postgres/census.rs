//! Totals and places: how many resources a kind has, and which one stands at an offset,
//! without passing over those before it.

/// How many resources a kind has: parameters kind, bits of the coarse blocks.
pub(super) const TOTAL: &str =
    "SELECT coalesce(sum(count), 0)::bigint FROM census WHERE kind = $1 AND bits = $2";

/// The blocks of a size in a range, in order: parameters kind, bits, first, last.
pub(super) const BLOCKS: &str = "SELECT block, count FROM census
    WHERE kind = $1 AND bits = $2 AND block BETWEEN $3 AND $4 ORDER BY block";

/// Counts resources gained and lost: parameters kinds, bits, blocks, changes.
pub(super) const COUNT: &str = "INSERT INTO census (kind, bits, block, count)
    SELECT * FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[])
    ON CONFLICT (kind, bits, block) DO UPDATE SET count = census.count + excluded.count";
