/* SPDX-License-Identifier: Apache-2.0 */
#include "core/options_table.h"

#include <string.h>

#include "util/text.h"

#define CHOICE(key, values, value, doc)                                                                      \
    {                                                                                                        \
        key, MIG_OPTION_CHOICE, values, value, doc                                                           \
    }
#define DURATION(key, value, doc)                                                                            \
    {                                                                                                        \
        key, MIG_OPTION_DURATION, "", value, doc                                                             \
    }
#define INTEGER(key, value, doc)                                                                             \
    {                                                                                                        \
        key, MIG_OPTION_INTEGER, "", value, doc                                                              \
    }
#define LIST(key, value, doc)                                                                                \
    {                                                                                                        \
        key, MIG_OPTION_LIST, "", value, doc                                                                 \
    }
#define TEXT(key, value, doc)                                                                                \
    {                                                                                                        \
        key, MIG_OPTION_TEXT, "", value, doc                                                                 \
    }

/* In the order in which help and documentation show them. */
static const struct migrate_option rows[] = {
    CHOICE(MIGRATE_OPT_LAYOUT, "auto|plain|pairs|sections|flyway|versioned|folders|prisma|liquibase", "auto",
           "The convention of the migration files. auto tells it from names and first bytes."),
    CHOICE(MIGRATE_OPT_ORDER, "natural|bytes", "natural",
           "How versions sort: digits as numbers (2 before 10), or byte by byte (10 before 2)."),
    TEXT(MIGRATE_OPT_PLACEHOLDER, NULL,
         "placeholder.NAME is the value of ${NAME} in migrations. Setting any of them turns replacing on."),
    LIST(MIGRATE_OPT_CONTEXTS, "all",
         "Only migrations of these contexts, and those that name none, are considered."),
    LIST(MIGRATE_OPT_LABELS, "all",
         "Only migrations with these labels, and those that have none, are considered."),
    LIST(MIGRATE_OPT_TAGS, "all",
         "Only migrations with these tags, and those that have none, are considered."),

    CHOICE(MIGRATE_OPT_OUT_OF_ORDER, "deny|allow", "deny",
           "Whether a pending migration that is older than the newest applied one may be applied."),
    CHOICE(MIGRATE_OPT_CHANGED, "deny|allow", "deny",
           "Whether an applied migration may have been edited since. allow warns and goes on."),
    CHOICE(MIGRATE_OPT_MISSING, "deny|allow", "deny",
           "Whether the file of an applied migration may be gone."),
    CHOICE(MIGRATE_OPT_AHEAD, "allow|deny", "allow",
           "Whether the database may be newer than every file, as after the rollback of an application. "
           "allow does "
           "nothing, warns and succeeds."),

    CHOICE(MIGRATE_OPT_TRANSACTION, "each|all|none", "each",
           "One transaction for each migration, one for all pending ones, or none."),
    CHOICE(MIGRATE_OPT_BATCH, "auto|off", "auto",
           "Whether statements are sent ahead of the answers to earlier ones, which saves waiting."),
    CHOICE(MIGRATE_OPT_ALGORITHM, "auto|require-online", "auto",
           "MySQL and MariaDB: require-online refuses an ALTER that would copy the table or block writers."),
    INTEGER(
        MIGRATE_OPT_RETRIES, "30",
        "How often a transaction is tried again after a lock time-out, deadlock or serialisation failure."),
    DURATION(
        MIGRATE_OPT_LOCK_TIMEOUT, "2s",
        "How long a statement waits for locks of the database before its transaction is tried again, so that "
        "nobody queues behind it for long. 0: the server's own limit."),
    DURATION(MIGRATE_OPT_STATEMENT_TIMEOUT, "0", "How long a statement may run. 0: no limit."),
    DURATION(MIGRATE_OPT_DEADLINE, "0",
             "How long a whole run may take, waiting included; the next run goes on with what is left. 0: no "
             "limit."),

    TEXT(MIGRATE_OPT_SCHEMA, NULL,
         "Schema of the history tables. Without it, the one that the connection creates tables in."),
    TEXT(MIGRATE_OPT_TABLE_PREFIX, "migrate_",
         "What the names of the history tables begin with: letters, digits, '_', '-' and '$', at most 40 "
         "bytes."),
    CHOICE(MIGRATE_OPT_LOCK, "auto|session|lease|none", "auto",
           "The migration lock: of the session, a lease in a row of a table (where there are no sessions), "
           "or none. "
           "With any of them each migration is applied once."),
    DURATION(MIGRATE_OPT_LOCK_WAIT, "5m", "How long to wait for the migration lock. 0: not at all."),
    TEXT(MIGRATE_OPT_CLIENT, NULL, "Who we are, in history and lock. Without it, the program's name."),

    DURATION(MIGRATE_OPT_CONNECT_TIMEOUT, "10s", "How long one attempt to connect may take."),
    DURATION(MIGRATE_OPT_RECONNECT_TIMEOUT, "60s",
             "How long to go on trying while the server is starting, resuming or has too many connections, "
             "and after "
             "a connection was lost."),
    DURATION(MIGRATE_OPT_WAIT_TIMEOUT, "60s", "How long `migrate wait` waits for the database."),
    TEXT(MIGRATE_OPT_INIT_SQL, NULL, "SQL that is run after every connect."),
    TEXT(MIGRATE_OPT_SECRET, NULL,
         "AWS: ARN or name of the secret in Secrets Manager that holds the credentials of the database."),
    TEXT(MIGRATE_OPT_SSM_PARAMETER, NULL, "AWS: name of the parameter in SSM that holds them."),
    CHOICE(MIGRATE_OPT_IAM, "0|1", "0", "AWS: 1 logs in with an IAM token, made anew for every connect."),
    TEXT(MIGRATE_OPT_ROLE, NULL, "Role to assume after log-in."),
    TEXT(MIGRATE_OPT_CA_FILE, NULL, "File of certificates to trust, for every TLS connection."),

    CHOICE(MIGRATE_OPT_LOG_LEVEL, "warn|error|info|debug", "warn",
           "Which log lines are wanted: these and graver ones."),
};

/* What the drivers of this project know beyond that. Here they are told of, to help, documentation and bindings; a
 * driver says itself which keys it has, and judges the values when it connects. A test compares. */
static const struct migrate_option driver_rows[] = {
    CHOICE("sqlite.mode", "rwc|rw|ro", NULL,
           "SQLite: rwc, as without it, makes a file that is missing when something is to be written; rw makes none; ro "
           "only reads."),
    CHOICE("sqlite.journal_mode", "delete|truncate|persist|wal", NULL,
           "SQLite: as PRAGMA journal_mode; without it, as the file has it. off and memory are refused: a process that "
           "is killed would leave a damaged file."),
    CHOICE("sqlite.synchronous", "off|normal|full|extra|0|1|2|3", NULL, "SQLite: as PRAGMA synchronous."),
    TEXT("sqlite.cache_size", NULL,
         "SQLite: as PRAGMA cache_size: a number of pages, or of KiB when negative. Without it, 1000 KiB."),
    CHOICE("sqlite.foreign_keys", "on|off|true|false|yes|no|1|0", NULL, "SQLite: as PRAGMA foreign_keys."),
    CHOICE("sqlite.temp_store", "default|file|memory|0|1|2", NULL, "SQLite: as PRAGMA temp_store."),
    TEXT("sqlite.vfs", NULL, "SQLite: name of a registered VFS."),

    TEXT("postgres.role", NULL, "PostgreSQL: as the option role."),
    TEXT("postgres.search_path", NULL, "PostgreSQL: search_path of the session."),

    CHOICE("mysql.ssl-mode", "DISABLED|PREFERRED|REQUIRED|VERIFY_CA|VERIFY_IDENTITY", NULL,
           "MySQL and MariaDB: whether TLS is used, and what of the server's certificate is verified. Without it, "
           "VERIFY_IDENTITY where ca_file, ssl-ca or ssl-capath is set, else PREFERRED."),
    TEXT("mysql.ssl-ca", NULL, "MySQL and MariaDB: file of certificates to trust; without it, ca_file."),
    TEXT("mysql.ssl-capath", NULL, "MySQL and MariaDB: folder of certificates to trust."),
    TEXT("mysql.ssl-cert", NULL, "MySQL and MariaDB: file with our own certificate."),
    TEXT("mysql.ssl-key", NULL, "MySQL and MariaDB: file with the key of our own certificate."),
    TEXT("mysql.ssl-cipher", NULL, "MySQL and MariaDB: ciphers for TLS."),
    TEXT("mysql.tls-version", NULL, "MySQL and MariaDB: versions of TLS that are allowed."),
    TEXT("mysql.connect-timeout", NULL,
         "MySQL and MariaDB: as connect_timeout, but that a bare number is seconds, as in MySQL's own tools."),
    TEXT("mysql.socket", NULL, "MySQL and MariaDB: path of the server's socket."),
    TEXT("mysql.charset", NULL,
         "MySQL and MariaDB: character set of the connection. One in which a byte of a letter can look like a quote is "
         "refused."),
    TEXT("mysql.get-server-public-key", NULL,
         "MySQL: 1 takes the server's key for the password when the connection is not encrypted, 0 does not. Without "
         "it, as ssl-mode allows."),
    TEXT("mysql.server-public-key-path", NULL, "MySQL: file of that key, which is then trusted alone."),
    TEXT("mysql.plugin-dir", NULL, "MySQL and MariaDB: folder of the client library's plugins."),
    TEXT("mysql.compress", NULL, "MySQL and MariaDB: 1 compresses what is sent."),

    CHOICE("rds_data.engine", "postgres|postgresql|aurora-postgresql|mysql|aurora-mysql|mariadb", NULL,
           "Data API: which engine the cluster runs. Without it, the server is asked."),
    TEXT("rds_data.region", NULL, "Data API: region of the cluster. Without it, the one in its ARN."),
};

enum {
    N_ROWS = sizeof rows / sizeof rows[0],
    N_DRIVER_ROWS = sizeof driver_rows / sizeof driver_rows[0]
};

const migrate_option *migrate_option_at(size_t index)
{
    if (index < N_ROWS)
        return &rows[index];
    return index - N_ROWS < N_DRIVER_ROWS ? &driver_rows[index - N_ROWS] : NULL;
}

const struct migrate_option *mig_option_find(const char *key)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        bool prefix = mig_ends(rows[i].key, ".");
        if (prefix ? mig_starts(key, rows[i].key) && key[strlen(rows[i].key)] : strcmp(key, rows[i].key) == 0)
            return &rows[i];
    }
    return NULL;
}

const char *migrate_option_key(const migrate_option *option)
{
    return option ? option->key : "";
}

const char *migrate_option_type(const migrate_option *option)
{
    static const char names[][10] = { "choice", "duration", "integer", "list", "text" };
    return option ? names[option->type] : "";
}

const char *migrate_option_values(const migrate_option *option)
{
    return option ? option->values : "";
}

const char *migrate_option_default(const migrate_option *option)
{
    return option ? option->value : NULL;
}

const char *migrate_option_doc(const migrate_option *option)
{
    return option ? option->doc : "";
}
