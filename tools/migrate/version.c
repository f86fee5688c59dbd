/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli.h"

migrate_status cli_version(struct cli *cli, migrate_error **err)
{
    const char *library = migrate_version_string();
    (void)err;
    if (cli_has(cli, FLAG_JSON)) {
        cli_out("{\"schema\":1,\"version\":\"%s\",\"library\":\"%s\"}\n", MIGRATE_VERSION_STRING, library);
        cli->printed = true;
    } else if (strcmp(library, MIGRATE_VERSION_STRING) == 0) {
        cli_out("migrate %s\n", MIGRATE_VERSION_STRING);
    } else {
        cli_out("migrate %s (libmigrate %s)\n", MIGRATE_VERSION_STRING, library);
    }
    return MIGRATE_OK;
}
