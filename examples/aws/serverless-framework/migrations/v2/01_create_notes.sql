CREATE TABLE notes (
  id       serial PRIMARY KEY,
  note     text NOT NULL,
  deadline timestamp with time zone NOT NULL,
  list_id  int NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
  done     smallint NOT NULL DEFAULT 0
);
CREATE INDEX notes__idx__list_id ON notes (list_id);
