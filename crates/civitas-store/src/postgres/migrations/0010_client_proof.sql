-- The secrets of clients, as JSON. One that lacked a scope says so itself from here on.
ALTER TABLE client ADD COLUMN secrets text NOT NULL DEFAULT '[]';
UPDATE client SET secrets = json_build_array(json_build_object(
    'id', '1', 'hash', secret_hash, 'plain', true,
    'scopes', CASE WHEN application LIKE '%"manages_users":false%'
        THEN 'application openid' ELSE 'application users openid' END))::text
WHERE secret_hash <> '';
ALTER TABLE client DROP COLUMN secret_hash;

-- Whose certificates of a subject are: text of ASCII.
CREATE TABLE client_certificate (
    tenant bigint NOT NULL,
    subject text COLLATE "C" NOT NULL,
    client bytea NOT NULL,
    CONSTRAINT client_certificate_subject PRIMARY KEY (tenant, subject)
);
CREATE INDEX client_certificate_by_client ON client_certificate (tenant, client)
