-- How tolerant to be towards a client: the name of a kind of clients, then `+name` or `-name`
-- for each switch that differs from it.
ALTER TABLE client ADD COLUMN profile TEXT NOT NULL DEFAULT 'generic';
