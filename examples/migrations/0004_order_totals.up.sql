CREATE VIEW customer_totals AS
SELECT c.id, c.full_name, count(o.id) AS orders, coalesce(sum(o.total_cents), 0) AS total_cents
FROM customers c LEFT JOIN orders o ON o.customer_id = c.id
GROUP BY c.id;

-- A trigger has semicolons inside: the file needs no special marks for it.
CREATE TRIGGER orders_keep_shipped
BEFORE DELETE ON orders WHEN old.status = 'shipped'
BEGIN
    SELECT raise(ABORT, 'a shipped order stays');
END;
