INSERT INTO customers (id, email, full_name) VALUES
    (1, 'ada@example.org', 'Ada Lovelace'),
    (2, 'grace@example.org', 'Grace Hopper');

INSERT INTO orders (customer_id, status, total_cents) VALUES
    (1, 'paid', 1999),
    (1, 'new', 550),
    (2, 'shipped', 12900);
