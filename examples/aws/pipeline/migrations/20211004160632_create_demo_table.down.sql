DROP TABLE demo_table;
