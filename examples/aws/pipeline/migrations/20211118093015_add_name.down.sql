ALTER TABLE demo_table DROP COLUMN name;
