-- Mails that wait to be sent, as sealed text of the directory (UTF-8). `due` is in milliseconds
-- since 1970 (UTC); null of one that is kept and not sent. Until `leased_until` it is left to the
-- process that took it.
CREATE TABLE mail (
    tenant bigint NOT NULL,
    id bytea NOT NULL,
    content bytea NOT NULL,
    at bigint NOT NULL,
    due bigint,
    attempts bigint NOT NULL DEFAULT 0,
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (tenant, id)
) WITH (fillfactor = 50);
CREATE INDEX mail_by_due ON mail (due) WHERE due IS NOT NULL;

-- Links that were sent to people. Of a token there is no more than a hash.
CREATE TABLE link (
    tenant bigint NOT NULL,
    id bytea NOT NULL,
    purpose text NOT NULL,
    hash text NOT NULL,
    subject bytea NOT NULL,
    content bytea NOT NULL,
    expires bigint NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX link_by_subject ON link (tenant, subject, purpose);

-- Texts of tenants in place of those of the product.
CREATE TABLE text_set (
    tenant bigint NOT NULL,
    kind bytea NOT NULL,
    locale bytea NOT NULL,
    media bytea NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (tenant, kind, locale)
)
