-- What a change of attributes touched: whether the whole resource was given, the names of
-- what differs, separated by blanks, and the new value of `active` where it differs.
ALTER TABLE event ADD COLUMN whole INTEGER;
ALTER TABLE event ADD COLUMN changed TEXT;
ALTER TABLE event ADD COLUMN active INTEGER;

-- The last event of a partition that is no longer kept.
CREATE TABLE pruned (
    partition INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT;
