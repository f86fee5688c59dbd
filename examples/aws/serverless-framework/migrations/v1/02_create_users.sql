CREATE TABLE users (
  id         serial PRIMARY KEY,
  name       text NOT NULL,
  user_ref   text NOT NULL,
  created_at timestamp DEFAULT current_timestamp,
  updated_at timestamp DEFAULT current_timestamp
);
CREATE INDEX users__idx__user_ref ON users (user_ref);
CREATE TRIGGER set_timestamp BEFORE UPDATE ON users FOR EACH ROW EXECUTE PROCEDURE trigger_set_timestamp();
