-- The audit log: entries that wait for their place, links in the order of their numbers, and where
-- each environment's chain ends.
CREATE TABLE audit_entry (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE TABLE audit_link  (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE TABLE audit_head  (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
