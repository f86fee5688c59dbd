CREATE TABLE demo_table (id serial PRIMARY KEY);
