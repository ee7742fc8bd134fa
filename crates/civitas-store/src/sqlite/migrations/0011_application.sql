-- What is known of a client that is an application users log on to: JSON, or null.
ALTER TABLE client ADD COLUMN application TEXT;

-- Wrong secrets shown as a client's, and the lock they led to, as text of the directory.
CREATE TABLE client_lockout (
    tenant INTEGER NOT NULL,
    client TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (tenant, client)
) STRICT, WITHOUT ROWID;
