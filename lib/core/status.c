/* SPDX-License-Identifier: Apache-2.0 */
#include "core/status.h"

#include <stddef.h>

struct row {
    migrate_status status;
    int32_t retryable;
    const char *name;
    const char *text;
    const char *remedy;
};

#define ROW(name, retryable, text, remedy)                                                                   \
    {                                                                                                        \
        MIGRATE_##name, retryable, #name, text, remedy                                                       \
    }

/* Retryable is what time alone can mend. */
static const struct row rows[] = {
    ROW(OK, 0, "Done.", NULL),
    ROW(DONE, 0, "The sequence is at its end.", NULL),
    ROW(BUSY, 1, "Another holds the lock.", "Wait for the other run to end."),

    ROW(E_ARGUMENT, 0, "An argument is NULL or out of range.", "Correct the call."),
    ROW(E_MISUSE, 0, "The call is not allowed in this state.",
        "See the life of a context in migrate/context.h."),
    ROW(E_OPTION, 0, "An option is unknown or its value unusable.",
        "`migrate help options` lists all options."),
    ROW(E_STRUCT_SIZE, 0, "The struct_size of a struct is unset or impossible.",
        "Set struct_size to the sizeof of the struct."),
    ROW(E_TOO_NEW, 0, "The caller uses something that this library is too old for.",
        "Install a newer libmigrate."),
    ROW(E_UNSUPPORTED, 0, "The driver, source or lock cannot do this.", NULL),
    ROW(E_NO_DRIVER, 0, "No registered driver has this name or URL scheme.",
        "Add the driver, or correct the scheme of the database URL."),
    ROW(E_LOAD, 0, "The driver's file was not found or is no driver.",
        "Install the driver's library, or give its path."),
    ROW(E_URL, 0, "The database URL cannot be read.", "Write scheme://user:password@host:port/database."),
    ROW(E_NO_VERSION, 0, "No migration has the version that was asked for.",
        "`migrate status` lists all versions."),
    ROW(E_CALLBACK, 0, "A callback of the application failed.", "See what the application says about it."),

    ROW(E_NOMEM, 1, "Out of memory.", "Give the process more memory and run again."),
    ROW(E_IO, 0, "A file, descriptor, thread or disk of this machine failed.",
        "Look at the machine's disk and limits, then run again."),

    ROW(E_SOURCE, 0, "The source of migrations cannot be listed or read.",
        "Check the path of the source and the right to read it."),
    ROW(E_NAME, 0, "A file's name says no version or is not UTF-8.",
        "Rename the file as the others are named, or move it out of the source."),
    ROW(E_DUPLICATE, 0, "Two migrations have the same version.", "Give one of them another version."),
    ROW(E_LAYOUT, 0, "No convention of migration files is recognised, or two are mixed.",
        "Set the option `layout`, or keep to one convention."),
    ROW(E_ORDER, 0, "Natural and byte order of the versions differ.",
        "Set the option `order` to natural or bytes."),
    ROW(E_PARSE, 0, "The text of a migration cannot be cut into statements.",
        "Correct the file at this place."),
    ROW(E_DIRECTIVE, 0, "A directive is unknown or has a value it does not take.", "Correct the directive."),
    ROW(E_TRANSACTION, 0, "A statement is not allowed in the transaction mode of its migration.",
        "Put it in a migration of its own that begins with `-- migrate: no-transaction`."),
    ROW(E_PLACEHOLDER, 0, "A placeholder has no value.", "Set the option `placeholder.NAME`."),
    ROW(E_SOURCE_MOVED, 1, "A file changed while it was being run.",
        "Run again when nothing writes to the source."),

    ROW(E_CHANGED, 0, "An applied migration was edited.",
        "Put the file back and add a new migration, or set the option `changed` to allow."),
    ROW(E_MISSING, 0, "An applied migration is no longer in the source.",
        "Put the file back, or set the option `missing` to allow."),
    ROW(E_OUT_OF_ORDER, 0, "A pending migration is older than the newest applied one.",
        "Give it a newer version, or set the option `out_of_order` to allow."),
    ROW(E_DOUBT, 0, "Whether a statement took effect cannot be told.",
        "Look at the database, then `migrate resolve VERSION --applied` or `--not-applied`."),
    ROW(E_STALE, 1, "Something has changed since it was looked at.", "Make the plan, or look, again."),
    ROW(E_IRREVERSIBLE, 0, "Nothing says how to revert this migration.",
        "Write its down text, or restore a backup."),
    ROW(E_AHEAD, 0, "The database is newer than every file.",
        "Deploy the newer files, or set the option `ahead` to allow."),
    ROW(E_FORMAT, 0, "The history tables were written by a newer library.", "Install a newer libmigrate."),
    ROW(E_HISTORY, 0, "The history tables contradict themselves.",
        "Restore them from a backup; they are not to be edited by hand."),
    ROW(E_DRIFT, 0, "An object is no longer as its migration left it.",
        "Find out who changed it, and write the change as a migration."),
    ROW(E_NOT_EMPTY, 0, "The history has entries already.", "A baseline is for a database without history."),

    ROW(E_LOCK_TIMEOUT, 1, "The migration lock was not free in time.",
        "`migrate lock` says who holds it; wait for him, or raise the option `lock_wait`."),
    ROW(E_LOCK_LOST, 1, "The migration lock was lost during the run.",
        "Run again: it goes on where it stopped."),
    ROW(E_FENCED, 1, "Another run took over.", "Let the other run end; nothing has to be repaired."),
    ROW(E_LOCK, 1, "The service that keeps the lock failed.", "Look at that service, then run again."),

    ROW(E_CONNECT, 1, "No connection to the database.",
        "Check host, port and network; raise the option `connect_timeout` for a server that starts slowly."),
    ROW(E_AUTH, 0, "The database refused the credentials.", "Check user name and password."),
    ROW(E_SQL, 0, "The database refused a statement.", "Correct the migration and run again."),
    ROW(E_CONN_LOST, 1, "The connection was lost.", "Run again: it goes on where it stopped."),
    ROW(E_LOCKED, 1, "A lock time-out, deadlock or conflict with another session persisted.",
        "End what holds the lock, or raise the option `lock_timeout` or `retries`, and run again."),
    ROW(E_UNAVAILABLE, 1, "The database is starting, resuming, or has no connection to spare.",
        "Run again when it is up, or raise the option `reconnect_timeout`."),
    ROW(E_READ_ONLY, 0, "The database is read-only.", "Connect to the writer."),
    ROW(E_DENIED, 0, "The database user lacks a privilege.",
        "Grant it, or run as a user who has it; `migrate init --sql` prints what an owner can run "
        "beforehand."),
    ROW(E_NO_DATABASE, 0, "The server has no such database.", "Create it, or correct the database URL."),
    ROW(E_DISK_FULL, 0, "The disk of the database is full.", "Make room and run again."),
    ROW(E_TOO_LARGE, 0, "A statement is larger than the server takes.",
        "Split the statement, or raise the server's limit."),
    ROW(E_TIMEOUT, 0, "A statement ran longer than it may.", "Raise the option `statement_timeout`."),

    ROW(E_STOPPED, 1, "Stopped between statements, as asked.", "Run again: it goes on where it stopped."),
    ROW(E_CANCELLED, 1, "The running statement was cancelled, as asked.",
        "Run again: it goes on where it stopped."),
    ROW(E_MORE_WORK, 1, "Stopped between statements because the deadline is near.",
        "Run again: it goes on where it stopped."),
    ROW(E_DEADLINE, 1, "The deadline passed.", "Run again, or raise the option `deadline`."),

    ROW(E_INTERNAL, 0, "A bug in libmigrate.", "Please report it with this message."),
    ROW(E_CONTRACT, 0, "A driver, source or lock broke its contract.", "Please report it to its author."),
};

static const struct row *row_of(migrate_status status)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].status == status)
            return &rows[i];
    return NULL;
}

const char *migrate_status_name(migrate_status status)
{
    const struct row *row = row_of(status);
    return row ? row->name : "E_UNKNOWN";
}

const char *migrate_status_text(migrate_status status)
{
    const struct row *row = row_of(status);
    return row ? row->text : "A status that this library does not know.";
}

int32_t migrate_status_retryable(migrate_status status)
{
    const struct row *row = row_of(status);
    return row ? row->retryable : 0;
}

const char *mig_status_remedy(migrate_status status)
{
    const struct row *row = row_of(status);
    return row ? row->remedy : NULL;
}
