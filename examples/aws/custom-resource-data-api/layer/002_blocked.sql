-- A semicolon in a quote or in a function's body does not end the statement.
CREATE TABLE blocked (
    server_id integer PRIMARY KEY REFERENCES servers (id),
    reason    text NOT NULL
);

CREATE FUNCTION block(name text, why text) RETURNS void AS $$
BEGIN
    INSERT INTO blocked SELECT id, why FROM servers WHERE domain = name;
END;
$$ LANGUAGE plpgsql;
