/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cli.h"
#include "fail.h"

void cli_clean(char *text)
{
    for (char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
}

void cli_out(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
}

void cli_out_text(const char *text)
{
    size_t len = strlen(text);
    fwrite(text, 1, len, stdout);
    if (!len || text[len - 1] != '\n')
        putchar('\n');
}

static migrate_status write_failed(migrate_error **err)
{
    return cli_fail(err, MIGRATE_E_IO, NULL, "cannot write to standard output: %s", strerror(errno));
}

migrate_status cli_write_stdout(void *user, const char *data, size_t len)
{
    (void)user;
    return fwrite(data, 1, len, stdout) == len ? MIGRATE_OK : MIGRATE_E_IO;
}

migrate_status cli_finish_output(migrate_error **err)
{
    if (fflush(stdout) != 0)
        return write_failed(err);
    return ferror(stdout) ? cli_fail(err, MIGRATE_E_IO, NULL, "cannot write to standard output") : MIGRATE_OK;
}

void cli_json_string(FILE *to, const char *text)
{
    putc('"', to);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(to, "\\%c", *p);
        else if (*p == '\n')
            fputs("\\n", to);
        else if (*p < 0x20)
            fprintf(to, "\\u%04x", *p);
        else
            putc(*p, to);
    }
    putc('"', to);
}

void cli_json_text(struct cli *cli, const char *key, const char *text)
{
    cli_out("{\"schema\":1,\"%s\":", key);
    cli_json_string(stdout, text);
    cli_out("}\n");
    cli->printed = true;
}

migrate_status cli_json_report(struct cli *cli, const migrate_report *report, migrate_error **err)
{
    migrate_status s;
    errno = 0;
    s = migrate_report_json_write(report, cli_write_stdout, NULL);
    cli->printed = true;
    if (s == MIGRATE_E_IO)
        return write_failed(err);
    if (s != MIGRATE_OK)
        return cli_fail(err, s, NULL, "the report cannot be written: %s", migrate_status_text(s));
    putchar('\n');
    return MIGRATE_OK;
}

static const char *level_word(uint32_t level)
{
    if (level <= MIGRATE_LOG_ERROR)
        return "error";
    if (level == MIGRATE_LOG_WARN)
        return "warning";
    return level == MIGRATE_LOG_INFO ? "info" : "debug";
}

void cli_log(struct cli *cli, uint32_t level, const char *fmt, ...)
{
    uint32_t wanted = cli->verbosity < 0 ? MIGRATE_LOG_ERROR : cli->log_level;
    va_list ap;
    if (level > wanted)
        return;
    cli_progress_clear(cli->progress);
    fflush(stdout); /* in order where both are one terminal */
    fprintf(stderr, "%s: ", level_word(level));
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    putc('\n', stderr);
}
