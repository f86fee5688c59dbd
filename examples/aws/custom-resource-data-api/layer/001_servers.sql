CREATE TABLE servers (
    id     serial PRIMARY KEY,
    domain varchar(255) NOT NULL UNIQUE,
    note   text NOT NULL DEFAULT 'first; and second'
);
