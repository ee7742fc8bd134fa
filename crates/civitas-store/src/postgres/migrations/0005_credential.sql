-- What users prove themselves by, as text of the directory (UTF-8). `stamp` is later than the
-- last event of the partition when the row last changed, for a change of it is no event.
CREATE TABLE credential (
    rid bigint PRIMARY KEY,
    stamp bigint NOT NULL,
    text bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX credential_stamp ON credential ((rid >> 40), stamp);

INSERT INTO credential (rid, stamp, text)
SELECT p.rid, r.version, convert_to(json_build_object(
    'password', json_build_object('hash', p.hash, 'set', r.modified, 'status', 'enabled'))::text,
    'UTF8')
FROM password p JOIN resource r ON r.rid = p.rid;
DROP TABLE password;

-- How often a name was shown that is nobody's: counted, so that it takes as long as a wrong
-- password does.
ALTER TABLE partition ADD COLUMN feints bigint NOT NULL DEFAULT 0;
