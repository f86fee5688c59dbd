--liquibase formatted sql

--changeset demo:create-schema
CREATE SCHEMA demo;
--rollback DROP SCHEMA demo;

--changeset demo:create-person
CREATE TABLE demo.person (
    id   int PRIMARY KEY,
    name varchar(50) NOT NULL
);
--rollback DROP TABLE demo.person;

--changeset demo:person-names runInTransaction:false
CREATE INDEX CONCURRENTLY person_names ON demo.person (name);
--rollback DROP INDEX demo.person_names;

--changeset demo:count-persons splitStatements:false
CREATE FUNCTION demo.count_persons() RETURNS bigint AS $$
BEGIN
    RETURN (SELECT count(*) FROM demo.person);
END;
$$ LANGUAGE plpgsql;
--rollback DROP FUNCTION demo.count_persons();
