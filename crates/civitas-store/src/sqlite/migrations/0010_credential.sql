-- What users prove themselves by, as text of the directory. `stamp` is later than the last event
-- of the partition when the row last changed, for a change of it is no event.
CREATE TABLE credential (
    rid INTEGER PRIMARY KEY REFERENCES resource,
    stamp INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX credential_stamp ON credential (rid >> 40, stamp);

INSERT INTO credential (rid, stamp, text)
SELECT p.rid, r.version, json_object(
    'password', json_object('hash', p.hash, 'set', r.modified, 'status', 'enabled'))
FROM password p JOIN resource r ON r.rid = p.rid;
DROP TABLE password;

-- How often a name was shown that is nobody's: counted, so that it takes as long as a wrong
-- password does.
ALTER TABLE partition ADD COLUMN feints INTEGER NOT NULL DEFAULT 0;
