/* SPDX-License-Identifier: Apache-2.0 */

/* The conformance suite over the Data API driver, against the double whose URL the environment gives. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <migrate/drivers.h>

#include "../conformance/told.h"

int main(int argc, char **argv)
{
    char *url = getenv("DATA_API_URL");
    if (!url) {
        fprintf(stderr, "skipped: DATA_API_URL names no database\n");
        return 77;
    }
    int postgres = strstr(url, "engine=postgres") != NULL;
    struct told told = { .label = postgres ? "postgres" : "mysql" };
    migrate_driver_quirks quirks = {
        .struct_size = sizeof(quirks),
        .quirks = MIGRATE_QUIRK_NO_NOTICES | MIGRATE_QUIRK_NO_TEMP_TABLES | MIGRATE_QUIRK_SMALL |
                  (postgres ? 0 : MIGRATE_QUIRK_NO_ERROR_POSITION),
        .url = url,
        .sql_slow = postgres ? "SELECT pg_sleep(10)" : "SELECT SLEEP(10)",
        .sql_bad = "SELECT 1 FROM WHERE",
    };
    migrate_error *err = NULL;
    migrate_status status = migrate_conformance_driver(migrate_rds_data_driver(), &quirks, argc > 1 ? argv[1] : NULL,
                                                       told_case, &told, &err);
    if (status)
        printf("%s: %s\n", told.label, migrate_error_message(err));
    migrate_error_free(err);
    printf("%s: %u passed, %u failed, %u skipped\n", told.label, told.passed, told.failed, told.skipped);
    return status != MIGRATE_OK || told.passed == 0;
}
