-- Pings and pushes that wait to be sent: when, and in the lane of which receiver. Rows live
-- seconds, mostly, so vacuum follows closely.
CREATE TABLE notification (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, forget_at bigint NOT NULL, due_at bigint NOT NULL, lane bigint NOT NULL, PRIMARY KEY (env, key))
    WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX notification_forget_at ON notification (forget_at);
CREATE INDEX notification_due_at    ON notification (due_at, lane);

CREATE TABLE revocation           (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, forget_at bigint NOT NULL, PRIMARY KEY (env, key))
    WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE initial_access_token (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, forget_at bigint NOT NULL, PRIMARY KEY (env, key));
CREATE INDEX revocation_forget_at           ON revocation (forget_at);
CREATE INDEX initial_access_token_forget_at ON initial_access_token (forget_at);

CREATE TABLE details_type (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, PRIMARY KEY (env, key));
