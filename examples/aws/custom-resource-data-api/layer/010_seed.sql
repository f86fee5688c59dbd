INSERT INTO servers (domain) VALUES ('a.example'), ('b.example');
SELECT block('b.example', 'spam; of all kinds');
