-- What an operator chose for a tenant; tenant 0 stands for the whole server.
CREATE TABLE setting (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
