-- Work that goes on after its request was answered.
CREATE TABLE job (
    tenant INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    input TEXT NOT NULL,
    steps INTEGER NOT NULL,
    created INTEGER NOT NULL,
    since INTEGER NOT NULL,
    -- Null while the job is open.
    ended INTEGER,
    cancelled INTEGER NOT NULL DEFAULT 0,
    result TEXT,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_by_end ON job (ended);
