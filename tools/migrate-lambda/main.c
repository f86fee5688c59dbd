/* SPDX-License-Identifier: Apache-2.0 */
/* One binary: where Lambda starts it, it serves; with arguments it is the command line. */
#include <stdlib.h>

#include "bootstrap.h"
#include "cli_main.h"

int main(int argc, char **argv)
{
    const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
    if (argc <= 1 && api && *api)
        return boot_serve(api);
    return migrate_cli_main(argc, argv);
}
