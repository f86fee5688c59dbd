PRAGMA foreign_keys = OFF;

CREATE TABLE orders_old (
    id          INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    status      TEXT NOT NULL DEFAULT 'new',
    total_cents INTEGER NOT NULL,
    placed_at   TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO orders_old SELECT id, customer_id, status, total_cents, placed_at FROM orders;
DROP TABLE orders;
ALTER TABLE orders_old RENAME TO orders;
CREATE INDEX orders_by_customer ON orders (customer_id);

PRAGMA foreign_keys = ON;
