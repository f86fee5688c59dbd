CREATE TABLE lists (
  id         serial PRIMARY KEY,
  name       text NOT NULL,
  user_id    int NOT NULL REFERENCES users (id),
  updated_at timestamp DEFAULT current_timestamp
);
CREATE TRIGGER set_timestamp BEFORE UPDATE ON lists FOR EACH ROW EXECUTE PROCEDURE trigger_set_timestamp();
