-- Requests that were sent under a token, by a digest of it, and how they were answered (sealed
-- text of the directory); NULL until then. `until` is in milliseconds since 1970 (UTC).
CREATE TABLE retry (
    tenant INTEGER NOT NULL,
    key TEXT NOT NULL,
    content TEXT NOT NULL,
    until INTEGER NOT NULL,
    answer TEXT,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX retry_by_end ON retry (tenant, until);
