-- The secrets of clients, as JSON. One that lacked a scope says so itself from here on.
ALTER TABLE client ADD COLUMN secrets TEXT NOT NULL DEFAULT '[]';
UPDATE client SET secrets = json_array(json_object(
    'id', '1', 'hash', secret_hash, 'plain', json('true'),
    'scopes', CASE WHEN application LIKE '%"manages_users":false%'
        THEN 'application openid' ELSE 'application users openid' END))
WHERE secret_hash <> '';
ALTER TABLE client DROP COLUMN secret_hash;

-- Whose certificates of a subject are.
CREATE TABLE client_certificate (
    tenant INTEGER NOT NULL,
    subject TEXT NOT NULL,
    client TEXT NOT NULL,
    PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX client_certificate_by_client ON client_certificate (tenant, client);
