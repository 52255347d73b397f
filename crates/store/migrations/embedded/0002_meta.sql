-- What is true of the store as a whole: `copied_at` in a copy that nobody opened yet, `epoch` once
-- an older state was restored, `moved_at` once everything went to another store. Milliseconds.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
