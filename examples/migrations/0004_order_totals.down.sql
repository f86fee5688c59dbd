DROP TRIGGER orders_keep_shipped;
DROP VIEW customer_totals;
