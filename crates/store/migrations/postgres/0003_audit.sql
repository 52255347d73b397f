-- The audit log: entries that wait for their place, links in the order of their numbers, and where
-- each environment's chain ends. Entries live seconds and heads are written with every batch, so
-- vacuum follows closely; links are appended, and removed from their beginning.
CREATE TABLE audit_entry (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, PRIMARY KEY (env, key))
    WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE TABLE audit_link (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, PRIMARY KEY (env, key))
    WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);
CREATE TABLE audit_head (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, PRIMARY KEY (env, key))
    WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
