-- Events on their way to a receiver, as text of the directory.
CREATE TABLE stream (
    tenant INTEGER NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- Steps of a job whose parts are done.
ALTER TABLE job ADD COLUMN done INTEGER NOT NULL DEFAULT 0;

-- What a job is yet to do. A job that is received has parts before it has a row. `added` is in
-- seconds since 1970 (UTC).
CREATE TABLE job_part (
    tenant INTEGER NOT NULL,
    job TEXT NOT NULL,
    number INTEGER NOT NULL,
    added INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (tenant, job, number)
) STRICT, WITHOUT ROWID;

-- What came of the steps of a job.
CREATE TABLE job_row (
    tenant INTEGER NOT NULL,
    job TEXT NOT NULL,
    step INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (tenant, job, step)
) STRICT, WITHOUT ROWID;

-- Jobs are now kept, and forgotten, by the clock of their tenant.
DROP INDEX job_by_end;
