CREATE TABLE tenant (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE host (
    name TEXT PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenant
) STRICT, WITHOUT ROWID;

CREATE TABLE client (
    tenant INTEGER NOT NULL REFERENCES tenant,
    id TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    roles TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE secret (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The last event's number, in one row.
CREATE TABLE sequence (
    last INTEGER NOT NULL
) STRICT;
INSERT INTO sequence (last) VALUES (0);

-- A resource type of a partition. `next` is the ordinal of the next resource.
CREATE TABLE kind (
    id INTEGER PRIMARY KEY,
    partition INTEGER NOT NULL,
    type TEXT NOT NULL,
    next INTEGER NOT NULL,
    UNIQUE (partition, type)
) STRICT;

CREATE TABLE attribute (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL REFERENCES kind,
    path TEXT NOT NULL,
    UNIQUE (kind, path)
) STRICT;

-- rid = kind << 40 | ordinal. The document comes last, so that what stands before it is
-- read without it. Instants are milliseconds since 1970 (UTC).
CREATE TABLE resource (
    rid INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL REFERENCES kind,
    partition INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    display TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX resource_id ON resource (partition, id);
CREATE INDEX resource_created ON resource (kind, created);
CREATE INDEX resource_modified ON resource (kind, modified);

-- The values of indexed attributes. Integers and reals stand before text.
CREATE TABLE value (
    attribute INTEGER NOT NULL REFERENCES attribute,
    key ANY NOT NULL,
    rid INTEGER NOT NULL REFERENCES resource,
    element INTEGER NOT NULL,
    PRIMARY KEY (attribute, key, rid, element)
) STRICT, WITHOUT ROWID;

-- `display` is what the client called the member when it added it.
CREATE TABLE membership (
    group_rid INTEGER NOT NULL REFERENCES resource,
    member_rid INTEGER NOT NULL REFERENCES resource,
    display TEXT,
    PRIMARY KEY (group_rid, member_rid)
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_member ON membership (member_rid, group_rid);

-- How many resources stand in each block of 1 << bits ordinals of a kind.
CREATE TABLE census (
    kind INTEGER NOT NULL REFERENCES kind,
    bits INTEGER NOT NULL,
    block INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (kind, bits, block)
) STRICT, WITHOUT ROWID;

CREATE TABLE password (
    rid INTEGER PRIMARY KEY REFERENCES resource,
    hash TEXT NOT NULL
) STRICT;

-- One row for each change of a resource; seq is the version the change made.
-- what: 0 created, 1 changed, 2 deleted.
CREATE TABLE event (
    partition INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    request TEXT NOT NULL,
    what INTEGER NOT NULL,
    kind INTEGER NOT NULL REFERENCES kind,
    id TEXT NOT NULL,
    PRIMARY KEY (partition, seq)
) STRICT, WITHOUT ROWID;
