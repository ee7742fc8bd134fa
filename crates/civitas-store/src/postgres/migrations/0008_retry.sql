-- Requests that were sent under a token, by a digest of it, and how they were answered (sealed
-- text of the directory); NULL until then. `until` is in milliseconds since 1970 (UTC).
CREATE TABLE retry (
    tenant bigint NOT NULL,
    key bytea NOT NULL,
    content bytea NOT NULL,
    until bigint NOT NULL,
    answer bytea,
    PRIMARY KEY (tenant, key)
);

CREATE INDEX retry_by_end ON retry (tenant, until);
