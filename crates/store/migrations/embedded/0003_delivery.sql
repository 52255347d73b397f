-- Pings and pushes that wait to be sent: when, and in the lane of which receiver.
CREATE TABLE notification (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, forget_at INTEGER NOT NULL, due_at INTEGER NOT NULL, lane INTEGER NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE INDEX notification_forget_at ON notification (forget_at);
CREATE INDEX notification_due_at    ON notification (due_at, lane);

CREATE TABLE revocation           (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, forget_at INTEGER NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE TABLE initial_access_token (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, forget_at INTEGER NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
CREATE INDEX revocation_forget_at           ON revocation (forget_at);
CREATE INDEX initial_access_token_forget_at ON initial_access_token (forget_at);

CREATE TABLE details_type (env BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (env, key)) WITHOUT ROWID;
