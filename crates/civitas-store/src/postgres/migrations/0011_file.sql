-- Files that jobs read and write, for clients. `created` is in milliseconds since 1970 (UTC).
CREATE TABLE file (
    tenant bigint NOT NULL,
    name bytea NOT NULL,
    actor bytea NOT NULL,
    created bigint NOT NULL,
    size bigint NOT NULL,
    mark bytea NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (tenant, name)
)
