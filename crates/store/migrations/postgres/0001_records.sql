-- One table per kind of record. Every key starts with its environment; `version` is the
-- precondition of every change; `body` is the record's JSON. Kinds that expire say when.
-- Times are milliseconds since the Unix epoch, by the database's clock.

CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL);

CREATE TABLE environment   (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, PRIMARY KEY (env, key));
CREATE TABLE application   (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, PRIMARY KEY (env, key));
CREATE TABLE resource      (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, PRIMARY KEY (env, key));
CREATE TABLE user_         (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, PRIMARY KEY (env, key));
CREATE TABLE login         (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, PRIMARY KEY (env, key));
CREATE TABLE device        (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, PRIMARY KEY (env, key));
CREATE TABLE credential    (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, PRIMARY KEY (env, key));
CREATE TABLE administrator (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, PRIMARY KEY (env, key));
CREATE TABLE signing_key   (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, PRIMARY KEY (env, key));

-- Kept long or written often, and removed row by row in bounded steps: vacuum follows closely, so
-- that a table grows with what lives in it and not with what was removed.
CREATE TABLE pairing         (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, forget_at bigint NOT NULL, PRIMARY KEY (env, key));
CREATE TABLE spent_assertion (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, forget_at bigint NOT NULL, PRIMARY KEY (env, key))
    WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);
CREATE TABLE grant_          (env bytea NOT NULL, key bytea NOT NULL, version bigint NOT NULL, body text NOT NULL, forget_at bigint NOT NULL, PRIMARY KEY (env, key))
    WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX pairing_forget_at         ON pairing (forget_at);
CREATE INDEX spent_assertion_forget_at ON spent_assertion (forget_at);
CREATE INDEX grant_forget_at           ON grant_ (forget_at);

-- Live authentications lie in partitions of five minutes of `forget_at`, which never changes; a
-- partition is dropped as a whole when its last row may be forgotten. What a decision changes is
-- in no index, so the room left in each page lets it stay where it is.
CREATE TABLE authentication (
    env        bytea   NOT NULL,
    key        bytea   NOT NULL,
    forget_at  bigint  NOT NULL,
    version    bigint  NOT NULL,
    person     bytea   NOT NULL,
    request    bytea   NOT NULL,
    expires_at bigint  NOT NULL,
    waiting    boolean NOT NULL,
    body       text    NOT NULL,
    PRIMARY KEY (env, key, forget_at)
) PARTITION BY RANGE (forget_at);
CREATE INDEX authentication_inbox ON authentication (env, person, request);

-- What was changed, for the memories of other nodes, in the commit that changed it. A node reads
-- what became visible since its last look: transaction numbers leave no gaps to miss. `number`
-- counts the transactions of a node: a row proves that its transaction was committed, which `xid`
-- does not, because after a crash it may be given out again. In partitions of five minutes of
-- `at`, dropped after ten.
CREATE TABLE change (
    xid     xid8     NOT NULL DEFAULT pg_current_xact_id(),
    at      bigint   NOT NULL,
    node    bigint   NOT NULL,
    number  bigint   NOT NULL,
    kind    smallint NOT NULL,
    env     bytea    NOT NULL,
    name    bytea    NOT NULL,
    version bigint   NOT NULL,
    person  bytea
) PARTITION BY RANGE (at);
CREATE INDEX change_xid ON change (xid);

-- Work that one node does at a time.
CREATE TABLE lease (name text PRIMARY KEY, holder bigint NOT NULL, until bigint NOT NULL);
