/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <unistd.h>

#include "cli.h"

extern char **environ;

/* With one of them closed, the database file would get its number, and what we print would go into it. */
static void keep_standard_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

static migrate_status run(struct cli *cli, int argc, char **argv, migrate_error **err)
{
    migrate_status s = cli_args(cli, argc, argv, err);
    if (s == MIGRATE_OK && cli->command->needs)
        s = cli_setup(cli, err);
    if (s == MIGRATE_OK)
        s = cli->command->run(cli, err);
    return s;
}

static void tell(struct cli *cli, const migrate_error *err)
{
    cli_progress_clear(cli->progress);
    if (cli_has(cli, FLAG_JSON) && !cli->printed)
        cli_out_text(migrate_error_json(err));
    fflush(stdout);
    fprintf(stderr, "error: %s\n", migrate_error_text(err));
}

int main(int argc, char **argv)
{
    struct cli cli = { .environ = environ, .log_level = MIGRATE_LOG_WARN };
    migrate_error *err = NULL;
    migrate_status s;
    int code;
    keep_standard_descriptors();
    s = run(&cli, argc, argv, &err);
    if (s != MIGRATE_OK)
        tell(&cli, err);
    migrate_error_free(err);
    err = NULL;
    code = MIGRATE_STATUS_CLASS(s);
    s = cli_finish_output(&err);
    if (s != MIGRATE_OK) {
        fprintf(stderr, "error: %s\n", migrate_error_text(err));
        migrate_error_free(err);
        code = code ? code : MIGRATE_STATUS_CLASS(s);
    }
    cli_teardown(&cli);
    if (code == 0 && cli.unhappy)
        code = MIGRATE_CLASS_STATE;
    return code;
}
