-- One table per kind of record. Every key starts with its environment; `version` is the
-- precondition of every change; `body` is the record's JSON. Kinds that expire say when.

CREATE TABLE environment    (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE TABLE application    (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE TABLE resource       (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE TABLE user           (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE TABLE login          (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE TABLE device         (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE TABLE credential     (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE TABLE administrator  (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE TABLE signing_key    (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;

CREATE TABLE pairing         (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, forget_at INTEGER NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE TABLE spent_assertion (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, forget_at INTEGER NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE TABLE grant_          (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, forget_at INTEGER NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;

CREATE INDEX pairing_forget_at         ON pairing (forget_at);
CREATE INDEX spent_assertion_forget_at ON spent_assertion (forget_at);
CREATE INDEX grant_forget_at           ON grant_ (forget_at);

-- Waiting authentications are found in memory; the table is their journal. Rows are appended in
-- order of arrival, so that a batch touches few pages, and are addressed by their number.
CREATE TABLE authentication (seq INTEGER PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL);
