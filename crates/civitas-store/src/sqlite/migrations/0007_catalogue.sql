-- What the administrators of a partition have defined.
CREATE TABLE catalogue (
    partition INTEGER PRIMARY KEY,
    definitions TEXT NOT NULL
) STRICT;

-- Version of the catalogue: it counts its changes.
ALTER TABLE partition ADD COLUMN catalogue INTEGER NOT NULL DEFAULT 0;

-- Indexes of attributes that had values before they were indexed. Resources up to and with
-- `through` are in the index, and so is everything that was written since; those from there
-- to `last` are still to be looked at. `version` is that of the catalogue that asked for it.
CREATE TABLE build (
    attribute INTEGER PRIMARY KEY REFERENCES attribute,
    through INTEGER NOT NULL,
    last INTEGER NOT NULL,
    version INTEGER NOT NULL,
    examined INTEGER NOT NULL
) STRICT;
