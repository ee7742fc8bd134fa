-- The process that has an open job in work, and until when it is left to it.
ALTER TABLE job
    ADD COLUMN worker bigint NOT NULL DEFAULT 0,
    ADD COLUMN leased_until timestamptz NOT NULL DEFAULT now();
