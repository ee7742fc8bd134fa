-- Files that jobs read and write, for clients. `created` is in milliseconds since 1970 (UTC).
CREATE TABLE file (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    actor TEXT NOT NULL,
    created INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mark TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT;
