/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>

#include <migrate/status.h>
#include <migrate/version.h>

#include "core/status.h"

#define EACH(X)                                                                                              \
    X(E_ARGUMENT)                                                                                            \
    X(E_MISUSE) X(E_OPTION) X(E_STRUCT_SIZE) X(E_TOO_NEW) X(E_UNSUPPORTED) X(E_NO_DRIVER) X(E_LOAD) X(E_URL) \
        X(E_NO_VERSION) X(E_CALLBACK) X(E_NOMEM) X(E_IO) X(E_SOURCE) X(E_NAME) X(E_DUPLICATE) X(E_LAYOUT)    \
            X(E_ORDER) X(E_PARSE) X(E_DIRECTIVE) X(E_TRANSACTION) X(E_PLACEHOLDER) X(E_SOURCE_MOVED)         \
                X(E_CHANGED) X(E_MISSING) X(E_OUT_OF_ORDER) X(E_DOUBT) X(E_STALE) X(E_IRREVERSIBLE)          \
                    X(E_AHEAD) X(E_FORMAT) X(E_HISTORY) X(E_DRIFT) X(E_NOT_EMPTY) X(E_LOCK_TIMEOUT)          \
                        X(E_LOCK_LOST) X(E_FENCED) X(E_LOCK) X(E_CONNECT) X(E_AUTH) X(E_SQL) X(E_CONN_LOST)  \
                            X(E_LOCKED) X(E_UNAVAILABLE) X(E_READ_ONLY) X(E_DENIED) X(E_NO_DATABASE)         \
                                X(E_DISK_FULL) X(E_TOO_LARGE) X(E_TIMEOUT) X(E_STOPPED) X(E_CANCELLED)       \
                                    X(E_MORE_WORK) X(E_DEADLINE) X(E_INTERNAL) X(E_CONTRACT)
#define ROW(name) { MIGRATE_##name, #name },

static const struct {
    migrate_status status;
    const char *name;
} all[] = { EACH(ROW) };

START_TEST(every_status_is_named)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        ck_assert_str_eq(migrate_status_name(all[i].status), all[i].name);
        const char *text = migrate_status_text(all[i].status);
        ck_assert_msg(text[strlen(text) - 1] == '.', "%s", text);
        const char *remedy = mig_status_remedy(all[i].status);
        ck_assert_msg(!remedy || remedy[strlen(remedy) - 1] == '.', "%s", all[i].name);
    }
}
END_TEST

/* The list above is the header's: none was forgotten. */
START_TEST(header_has_no_others)
{
    char line[512];
    FILE *header = fopen(UNIT_SOURCE_DIR "/include/migrate/status.h", "r");
    ck_assert_ptr_nonnull(header);
    size_t n = 0;
    while (fgets(line, sizeof line, header))
        n += strncmp(line, "#define MIGRATE_E_", 18) == 0;
    fclose(header);
    ck_assert_uint_eq(n, sizeof all / sizeof all[0]);
}
END_TEST

START_TEST(classes)
{
    ck_assert_int_eq(MIGRATE_STATUS_CLASS(MIGRATE_OK), MIGRATE_CLASS_OK);
    ck_assert_int_eq(MIGRATE_STATUS_CLASS(MIGRATE_E_DENIED), MIGRATE_CLASS_DATABASE);
    ck_assert_str_eq(migrate_status_name(MIGRATE_OK), "OK");
    ck_assert_str_eq(migrate_status_name(12345), "E_UNKNOWN");
    ck_assert(migrate_status_text(12345)[0] != '\0');
    ck_assert_int_eq(migrate_status_retryable(MIGRATE_E_MORE_WORK), 1);
    ck_assert_int_eq(migrate_status_retryable(MIGRATE_E_UNAVAILABLE), 1);
    ck_assert_int_eq(migrate_status_retryable(MIGRATE_E_SQL), 0);
    ck_assert_int_eq(migrate_status_retryable(MIGRATE_E_DOUBT), 0);
    ck_assert_int_eq(migrate_status_retryable(MIGRATE_OK), 0);
    ck_assert_int_eq(migrate_status_retryable(12345), 0);
}
END_TEST

START_TEST(version_is_the_headers)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%d.%d.%d", MIGRATE_VERSION_MAJOR, MIGRATE_VERSION_MINOR,
                   MIGRATE_VERSION_PATCH);
    ck_assert_str_eq(migrate_version_string(), text);
    ck_assert_uint_eq(migrate_version_number(), MIGRATE_VERSION_NUMBER);
}
END_TEST

UNIT_MAIN("status", every_status_is_named, header_has_no_others, classes, version_is_the_headers)
