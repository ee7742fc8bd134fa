-- Whatever clients or administrators may write as they like is bytes (UTF-8): it is compared
-- byte by byte, and may hold any character.

CREATE TABLE tenant (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    CONSTRAINT tenant_name UNIQUE (name)
);

CREATE TABLE host (
    name text COLLATE "C" CONSTRAINT host_name PRIMARY KEY,
    tenant bigint NOT NULL
);
CREATE INDEX host_tenant ON host (tenant);

CREATE TABLE client (
    tenant bigint NOT NULL,
    id bytea NOT NULL,
    secret_hash text NOT NULL,
    roles text NOT NULL,
    enabled boolean NOT NULL,
    profile text NOT NULL,
    CONSTRAINT client_id PRIMARY KEY (tenant, id)
);

CREATE TABLE secret (
    name text PRIMARY KEY,
    value bytea NOT NULL
);

-- What an operator chose for a tenant; tenant 0 stands for the whole server.
CREATE TABLE setting (
    tenant bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- How often a partition was reset, the number of its last event, the version of its catalogue.
-- Whoever changes what a partition holds locks its row first.
CREATE TABLE partition (
    id bigint PRIMARY KEY,
    generation bigint NOT NULL DEFAULT 0,
    last bigint NOT NULL DEFAULT 0,
    catalogue bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 20);

-- A resource type of a partition. `next` is the ordinal of the next resource.
CREATE TABLE kind (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    next bigint NOT NULL,
    UNIQUE (partition, type)
) WITH (fillfactor = 20);

CREATE TABLE attribute (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind bigint NOT NULL,
    path text COLLATE "C" NOT NULL,
    UNIQUE (kind, path)
);

-- rid = kind << 40 | ordinal. Instants are milliseconds since 1970 (UTC).
CREATE TABLE resource (
    rid bigint PRIMARY KEY,
    kind bigint NOT NULL,
    partition bigint NOT NULL,
    id bytea NOT NULL,
    version bigint NOT NULL,
    created bigint NOT NULL,
    modified bigint NOT NULL,
    display bytea NOT NULL,
    document bytea NOT NULL,
    CONSTRAINT resource_id UNIQUE (partition, id)
);
CREATE INDEX resource_created ON resource (kind, created, rid);
CREATE INDEX resource_modified ON resource (kind, modified, rid);

-- The values of indexed attributes, in bytes that are ordered as the keys are. What does not
-- fit into an index stands in `tail`.
CREATE TABLE value (
    attribute bigint NOT NULL,
    rid bigint NOT NULL,
    element integer NOT NULL,
    head bytea NOT NULL,
    tail bytea NOT NULL,
    PRIMARY KEY (attribute, head, rid, element)
);

-- `display` is what the client called the member when it added it.
CREATE TABLE membership (
    group_rid bigint NOT NULL,
    member_rid bigint NOT NULL,
    display bytea,
    PRIMARY KEY (group_rid, member_rid)
);
CREATE UNIQUE INDEX membership_member ON membership (member_rid, group_rid);

-- How many resources stand in each block of 1 << bits ordinals of a kind.
CREATE TABLE census (
    kind bigint NOT NULL,
    bits integer NOT NULL,
    block bigint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (kind, bits, block)
) WITH (fillfactor = 50);

CREATE TABLE password (
    rid bigint PRIMARY KEY,
    hash text NOT NULL
);

-- One row for each change of a resource; seq is the version the change made.
-- what: 0 created, 1 changed, 2 deleted. Of a change of attributes: whether the whole resource
-- was given, the names of what differs, separated by blanks, and the new value of `active`.
CREATE TABLE event (
    partition bigint NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    kind bigint NOT NULL,
    what smallint NOT NULL,
    whole boolean,
    active boolean,
    id bytea NOT NULL,
    actor bytea NOT NULL,
    request bytea NOT NULL,
    changed bytea,
    PRIMARY KEY (partition, seq)
);

-- The last event of a partition that is no longer kept.
CREATE TABLE pruned (
    partition bigint PRIMARY KEY,
    seq bigint NOT NULL
);

-- Work that goes on after its request was answered. `ended` is null while it is open.
CREATE TABLE job (
    tenant bigint NOT NULL,
    id bytea NOT NULL,
    kind text NOT NULL,
    actor bytea NOT NULL,
    input bytea NOT NULL,
    steps bigint NOT NULL,
    created bigint NOT NULL,
    since bigint NOT NULL,
    ended bigint,
    cancelled boolean NOT NULL DEFAULT false,
    result bytea NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, id)
);
CREATE INDEX job_ended ON job (ended);
CREATE INDEX job_open ON job (tenant, id) WHERE ended IS NULL;

-- What makes a tenant's answers repeatable.
CREATE TABLE stage (
    partition bigint PRIMARY KEY,
    frozen_at bigint,
    ahead_ms bigint NOT NULL,
    seed bigint
);

-- A state of a tenant, kept as the contents of partition -id. One of a tenant's snapshots may
-- be its base: what the tenant holds is the base but for later versions.
CREATE TABLE snapshot (
    id bigint PRIMARY KEY,
    tenant bigint NOT NULL,
    name bytea NOT NULL,
    at bigint NOT NULL,
    base boolean NOT NULL,
    UNIQUE (tenant, name)
);

-- Answers that were ordered for requests of a tenant, as text of the surface.
CREATE TABLE rehearsal (
    tenant bigint PRIMARY KEY,
    text bytea NOT NULL
);

-- What the administrators of a partition have defined.
CREATE TABLE catalogue (
    partition bigint PRIMARY KEY,
    definitions text NOT NULL
);

-- Indexes of attributes that had values before they were indexed. Resources up to and with
-- `through` are in the index, and so is everything that was written since; those from there
-- to `last` are still to be looked at. `version` is that of the catalogue that asked for it.
CREATE TABLE build (
    attribute bigint PRIMARY KEY,
    through bigint NOT NULL,
    last bigint NOT NULL,
    version bigint NOT NULL,
    examined bigint NOT NULL
);
