-- What is known of a client that proves itself by assertions: JSON, or null.
ALTER TABLE client ADD COLUMN account TEXT;
