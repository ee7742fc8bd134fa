-- Events on their way to a receiver, as text of the directory (UTF-8). `pushed` says whether a
-- process is to push them.
CREATE TABLE stream (
    tenant bigint NOT NULL,
    id bytea NOT NULL,
    text bytea NOT NULL,
    pushed boolean NOT NULL,
    PRIMARY KEY (tenant, id)
) WITH (fillfactor = 50);

-- The process that pushes a stream, and until when it is left to it. Apart from the stream, of
-- which rows are locked with each token that was taken.
CREATE TABLE stream_lease (
    tenant bigint NOT NULL,
    stream bytea NOT NULL,
    worker bigint NOT NULL DEFAULT 0,
    leased_until timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, stream)
) WITH (fillfactor = 50);

-- Steps of a job whose parts are done.
ALTER TABLE job ADD COLUMN done bigint NOT NULL DEFAULT 0;

-- What a job is yet to do. A job that is received has parts before it has a row.
CREATE TABLE job_part (
    tenant bigint NOT NULL,
    job bytea NOT NULL,
    number bigint NOT NULL,
    added timestamptz NOT NULL DEFAULT clock_timestamp(),
    content bytea NOT NULL,
    PRIMARY KEY (tenant, job, number)
);

-- What came of the steps of a job.
CREATE TABLE job_row (
    tenant bigint NOT NULL,
    job bytea NOT NULL,
    step bigint NOT NULL,
    text bytea NOT NULL,
    PRIMARY KEY (tenant, job, step)
);
