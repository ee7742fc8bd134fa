-- How often a partition was reset, and the number of its last event.
CREATE TABLE partition (
    id INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT;
INSERT INTO partition (id, generation, last) SELECT id, 0, last FROM tenant, sequence;
DROP TABLE sequence;

-- What makes a tenant's answers repeatable: a clock that stands, or runs ahead (milliseconds),
-- and a seed of identifiers.
CREATE TABLE stage (
    partition INTEGER PRIMARY KEY,
    frozen_at INTEGER,
    ahead_ms INTEGER NOT NULL,
    seed INTEGER
) STRICT;

-- A state of a tenant, kept as the contents of partition -id. One of a tenant's
-- snapshots may be its base: what the tenant holds is the base but for later versions.
CREATE TABLE snapshot (
    id INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenant,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    base INTEGER NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

-- Answers that were ordered for requests of a tenant, as text of the surface.
CREATE TABLE rehearsal (
    tenant INTEGER PRIMARY KEY REFERENCES tenant,
    text TEXT NOT NULL
) STRICT;
