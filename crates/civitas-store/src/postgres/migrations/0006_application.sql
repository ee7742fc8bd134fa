-- What is known of a client that is an application users log on to: JSON, or null.
ALTER TABLE client ADD COLUMN application text;

-- Wrong secrets shown as a client's, and the lock they led to, as text of the directory (UTF-8).
CREATE TABLE client_lockout (
    tenant bigint NOT NULL,
    client bytea NOT NULL,
    text bytea NOT NULL,
    PRIMARY KEY (tenant, client)
) WITH (fillfactor = 50);
