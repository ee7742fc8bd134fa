-- Mails that wait to be sent, in the order in which they came, as sealed text of the directory.
-- `due` is in milliseconds since 1970 (UTC); null of one that is kept and not sent.
CREATE TABLE mail (
    tenant INTEGER NOT NULL,
    id TEXT NOT NULL,
    content TEXT NOT NULL,
    at INTEGER NOT NULL,
    due INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_by_due ON mail (due) WHERE due IS NOT NULL;

-- Links that were sent to people. Of a token there is no more than a hash.
CREATE TABLE link (
    tenant INTEGER NOT NULL,
    id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    hash TEXT NOT NULL,
    subject TEXT NOT NULL,
    content TEXT NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_by_subject ON link (tenant, subject, purpose);

-- Texts of tenants in place of those of the product.
CREATE TABLE text_set (
    tenant INTEGER NOT NULL,
    kind TEXT NOT NULL,
    locale TEXT NOT NULL,
    media TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, locale)
) STRICT, WITHOUT ROWID;
