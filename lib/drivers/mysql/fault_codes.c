/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mysql/fault_codes.h"

#define ENDED "The session was ended from outside; what was not answered is settled when it is run again."
#define GRANT_DDL "Grant the migrating user what the message names, on this database or table."

const struct mig_my_code mig_my_codes[] = {
    /* another try may succeed */
    { 1205, MIGRATE_FAULT_RETRY_STMT, 0, 0, "Another transaction holds a lock on the same rows or table for too long." },
    { 1213, MIGRATE_FAULT_RETRY_TX, 0, 0, NULL },
    { 1614, MIGRATE_FAULT_RETRY_TX, 0, 0, NULL },
    { 3058, MIGRATE_FAULT_RETRY_TX, 0, 0, NULL },
    { 3101, MIGRATE_FAULT_RETRY_TX, 0, 0, NULL },
    /* the connection is gone */
    { 1053, MIGRATE_FAULT_CONN_LOST, 0, 0, NULL },
    { 1152, MIGRATE_FAULT_CONN_LOST, 0, 0, NULL },
    { 1158, MIGRATE_FAULT_CONN_LOST, 0, 0, NULL },
    { 1159, MIGRATE_FAULT_CONN_LOST, 0, 0, NULL },
    { 1160, MIGRATE_FAULT_CONN_LOST, 0, 0, NULL },
    { 1161, MIGRATE_FAULT_CONN_LOST, 0, 0, NULL },
    { 1184, MIGRATE_FAULT_CONN_LOST, 0, 0, "If the message speaks of init_connect, that setting of the server fails for "
                                           "this user." },
    { 1927, MIGRATE_FAULT_CONN_LOST, 0, 0, ENDED },
    { 3169, MIGRATE_FAULT_CONN_LOST, 0, 0, ENDED },
    { 4031, MIGRATE_FAULT_CONN_LOST, 0, 0, NULL },
    { 2006, MIGRATE_FAULT_CONN_LOST, 0, 0, NULL },
    { 2013, MIGRATE_FAULT_CONN_LOST, 0, 0, NULL },
    { 2055, MIGRATE_FAULT_CONN_LOST, 0, 0, NULL },
    /* not a writer */
    { 1290, MIGRATE_FAULT_READ_ONLY, 0, 0, "The server runs with an option that forbids this; a replica is read-only: "
                                           "connect to the primary." },
    { 1836, MIGRATE_FAULT_READ_ONLY, 0, 0, "Connect to the primary." },
    { 1792, MIGRATE_FAULT_OTHER, 0, 0, "The session is READ ONLY: SET SESSION TRANSACTION READ WRITE, or mend "
                                       "init_connect or init_sql." },
    /* not now */
    { 1040, MIGRATE_FAULT_UNAVAILABLE, 0, 0, "max_connections of the server is reached." },
    { 1047, MIGRATE_FAULT_UNAVAILABLE, 0, 0, "The node of the cluster is not ready." },
    { 1203, MIGRATE_FAULT_UNAVAILABLE, 0, 0, "max_user_connections is reached." },
    { 1226, MIGRATE_FAULT_UNAVAILABLE, 0, 0, "A limit of this account is reached (max_user_connections or per hour)." },
    { 1129, MIGRATE_FAULT_OTHER, MIGRATE_E_CONNECT, 0, "On the server: FLUSH HOSTS, or mysqladmin flush-hosts." },
    /* who we are */
    { 1045, MIGRATE_FAULT_AUTH, 0, 0, "Check user name and password, and from which hosts the account may log in." },
    { 1130, MIGRATE_FAULT_AUTH, 0, 0, "The server takes no account from this host: CREATE USER 'name'@'host'." },
    { 1251, MIGRATE_FAULT_AUTH, 0, 0, NULL },
    { 1524, MIGRATE_FAULT_AUTH, 0, 0, NULL },
    { 1698, MIGRATE_FAULT_AUTH, 0, 0, "The account logs in by the system's user (unix_socket): give it a password, or "
                                      "run as that user with socket=FILE." },
    { 1820, MIGRATE_FAULT_AUTH, 0, 0, "The password has expired: ALTER USER … IDENTIFIED BY." },
    { 1862, MIGRATE_FAULT_AUTH, 0, 0, "The password has expired: ALTER USER … IDENTIFIED BY." },
    { 3118, MIGRATE_FAULT_AUTH, 0, 0, "ALTER USER … ACCOUNT UNLOCK." },
    { 4151, MIGRATE_FAULT_AUTH, 0, 0, "ALTER USER … ACCOUNT UNLOCK." },
    { 2012, MIGRATE_FAULT_AUTH, 0, 0, NULL },
    { 2049, MIGRATE_FAULT_AUTH, 0, 0, NULL },
    { 2059, MIGRATE_FAULT_AUTH, 0, 0, "The client library lacks the plug-in for the way this account logs in: set "
                                      "plugin-dir=DIR in the URL." },
    { 2061, MIGRATE_FAULT_AUTH, 0, 0, "This way to log in needs TLS, or the server's public key: set ssl-mode=REQUIRED or "
                                      "get-server-public-key=true." },
    /* what we may */
    { 1044, MIGRATE_FAULT_DENIED, 0, 0, "GRANT ALL ON that database TO the migrating user, or name another database." },
    { 1095, MIGRATE_FAULT_DENIED, 0, 0, "Only sessions of the same user can be ended without CONNECTION_ADMIN or SUPER: "
                                        "run all migrators as one user." },
    { 1142, MIGRATE_FAULT_DENIED, 0, 0, GRANT_DDL },
    { 1143, MIGRATE_FAULT_DENIED, 0, 0, GRANT_DDL },
    { 1227, MIGRATE_FAULT_DENIED, 0, 0, "GRANT the privilege that the message names ON *.* TO the migrating user; a DEFINER "
                                        "other than oneself needs SET_ANY_DEFINER (MySQL) or SET USER (MariaDB): leave "
                                        "DEFINER= away." },
    { 1370, MIGRATE_FAULT_DENIED, 0, 0, "GRANT ALTER ROUTINE, CREATE ROUTINE, EXECUTE ON that database TO the migrating user." },
    { 1419, MIGRATE_FAULT_DENIED, 0, 0, "Binary logging is on, and then a trigger or function needs SUPER: SET GLOBAL "
                                        "log_bin_trust_function_creators = 1 (on Amazon RDS in the parameter group), or "
                                        "GRANT SUPER ON *.*." },
    { 1418, MIGRATE_FAULT_OTHER, 0, 0, "Declare the function DETERMINISTIC, NO SQL or READS SQL DATA, or SET GLOBAL "
                                       "log_bin_trust_function_creators = 1." },
    { 1410, MIGRATE_FAULT_DENIED, 0, 0, "Create the user first: CREATE USER." },
    /* where we are */
    { 1046, MIGRATE_FAULT_NO_DB, 0, 0, "Name the database in the URL: mysql://HOST/DATABASE." },
    { 1049, MIGRATE_FAULT_NO_DB, 0, 1, "CREATE DATABASE it, or name another in the URL." },
    /* too much */
    { 1153, MIGRATE_FAULT_TOO_LARGE, 0, 0, "Raise max_allowed_packet of the server, or cut the statement into several." },
    { 1301, MIGRATE_FAULT_TOO_LARGE, 0, 0, "Raise max_allowed_packet of the server." },
    { 2020, MIGRATE_FAULT_TOO_LARGE, 0, 0, "Raise max_allowed_packet of the server, or cut the statement into several." },
    { 1021, MIGRATE_FAULT_DISK_FULL, 0, 0, "Make room on the server's disk." },
    { 1114, MIGRATE_FAULT_DISK_FULL, 0, 1, "Make room on the server's disk; a MEMORY or temporary table has a limit of its "
                                           "own (max_heap_table_size)." },
    { 1969, MIGRATE_FAULT_OTHER, MIGRATE_E_TIMEOUT, 0, "max_statement_time is set in this session." },
    { 3024, MIGRATE_FAULT_OTHER, MIGRATE_E_TIMEOUT, 0, "max_execution_time is set in this session." },
    /* there already, or not there */
    { 1007, MIGRATE_FAULT_EXISTS, 0, 1, NULL },
    { 1050, MIGRATE_FAULT_EXISTS, 0, 1, NULL },
    { 1060, MIGRATE_FAULT_EXISTS, 0, 1, NULL },
    { 1061, MIGRATE_FAULT_EXISTS, 0, 1, NULL },
    { 1304, MIGRATE_FAULT_EXISTS, 0, 0, NULL },
    { 1359, MIGRATE_FAULT_EXISTS, 0, 1, NULL },
    { 1537, MIGRATE_FAULT_EXISTS, 0, 1, NULL },
    { 1826, MIGRATE_FAULT_EXISTS, 0, 1, NULL },
    { 3822, MIGRATE_FAULT_EXISTS, 0, 1, NULL },
    { 1008, MIGRATE_FAULT_MISSING, 0, 1, NULL },
    { 1051, MIGRATE_FAULT_MISSING, 0, 1, NULL },
    { 1054, MIGRATE_FAULT_MISSING, 0, 1, NULL },
    { 1091, MIGRATE_FAULT_MISSING, 0, 0, NULL },
    { 1146, MIGRATE_FAULT_MISSING, 0, 1, NULL },
    { 1176, MIGRATE_FAULT_MISSING, 0, 1, NULL },
    { 1305, MIGRATE_FAULT_MISSING, 0, 0, NULL },
    { 1360, MIGRATE_FAULT_MISSING, 0, 0, NULL },
    { 1539, MIGRATE_FAULT_MISSING, 0, 1, NULL },
    { 4091, MIGRATE_FAULT_MISSING, 0, 1, NULL },
    { 4092, MIGRATE_FAULT_MISSING, 0, 1, NULL },
    { 1449, MIGRATE_FAULT_OTHER, 0, 0, "The DEFINER is no account of this server: leave DEFINER= away, or create it." },
    /* the text */
    { 1064, MIGRATE_FAULT_SYNTAX, 0, 0, NULL },
    { 1149, MIGRATE_FAULT_SYNTAX, 0, 0, NULL },
    { 1115, MIGRATE_FAULT_OTHER, 0, 1, "This server does not know that character set: use utf8mb4." },
    { 1273, MIGRATE_FAULT_OTHER, 0, 1, "This server does not know that collation: the utf8mb4_0900_* are MySQL's, the "
                                       "utf8mb4_uca1400_* are MariaDB's; utf8mb4_unicode_ci is known to both." },
    { 1193, MIGRATE_FAULT_OTHER, 0, 1, "This server has no such variable: MySQL and MariaDB differ here." },
    { 1845, MIGRATE_FAULT_OTHER, 0, 0, "The server cannot do it online. Nothing was done; allow the copy by taking the "
                                       "ALGORITHM or LOCK clause away (algorithm=auto)." },
    { 1846, MIGRATE_FAULT_OTHER, 0, 0, "The server cannot do it online. Nothing was done; allow the copy by taking the "
                                       "ALGORITHM or LOCK clause away (algorithm=auto)." },
    { 1100, MIGRATE_FAULT_OTHER, 0, 0, "LOCK TABLES is in force and does not name that table." },
    { 1399, MIGRATE_FAULT_NOT_IN_TX, 0, 0, "An XA transaction is open in this session." },
    { 1568, MIGRATE_FAULT_NOT_IN_TX, 0, 0, NULL },
    { 1179, MIGRATE_FAULT_NOT_IN_TX, 0, 0, NULL },
    { 3750, MIGRATE_FAULT_OTHER, 0, 0, "sql_require_primary_key is on: give the table a primary key." },
    { 1317, MIGRATE_FAULT_OTHER, 0, 0, "Somebody ended the statement with KILL QUERY." },
    /* the data */
    { 1048, MIGRATE_FAULT_CONSTRAINT, 0, 1, NULL },
    { 1062, MIGRATE_FAULT_CONSTRAINT, 0, 2, NULL },
    { 1216, MIGRATE_FAULT_CONSTRAINT, 0, 0, NULL },
    { 1217, MIGRATE_FAULT_CONSTRAINT, 0, 0, NULL },
    { 1451, MIGRATE_FAULT_CONSTRAINT, 0, 0, NULL },
    { 1452, MIGRATE_FAULT_CONSTRAINT, 0, 0, NULL },
    { 1557, MIGRATE_FAULT_CONSTRAINT, 0, 0, NULL },
    { 1586, MIGRATE_FAULT_CONSTRAINT, 0, 2, NULL },
    { 1761, MIGRATE_FAULT_CONSTRAINT, 0, 0, NULL },
    { 1762, MIGRATE_FAULT_CONSTRAINT, 0, 0, NULL },
    { 3819, MIGRATE_FAULT_CONSTRAINT, 0, 1, NULL },
    { 4025, MIGRATE_FAULT_CONSTRAINT, 0, 0, NULL },
};

const size_t mig_my_n_codes = sizeof mig_my_codes / sizeof *mig_my_codes;
