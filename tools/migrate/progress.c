/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

/* One line at the bottom of the terminal, redrawn in place:
 *   [#######---------]  3/12  0003 add users  statement 2/5  12.3 s  building index 45% */

#define BAR_CELLS 16
#define REDRAW_MS 100 /* often enough for the eye, seldom enough for a slow terminal */
#define LINE_CAP 512

struct cli_progress {
    uint64_t ended, total;          /* migrations */
    uint64_t statement, statements; /* of the one that runs */
    char label[160];
    char phase[160];  /* what the server says, or what we wait for */
    int64_t began_ms; /* of the one that runs */
    int64_t drawn_ms;
    bool running; /* a migration is under way */
    bool waiting; /* for the lock, or a blocker */
    bool shown;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct cli_progress *cli_progress_new(void)
{
    const char *term = getenv("TERM");
    if (!isatty(STDERR_FILENO) || !term || strcmp(term, "dumb") == 0)
        return NULL;
    return calloc(1, sizeof(struct cli_progress)); /* without memory there is no bar */
}

void cli_progress_clear(struct cli_progress *p)
{
    if (!p || !p->shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    p->shown = false;
}

void cli_progress_free(struct cli_progress *p)
{
    cli_progress_clear(p);
    free(p);
}

static unsigned columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10)
        return size.ws_col;
    return 80;
}

/* Cuts at a character's edge, so that the line never wraps. */
static void cut(char *line, unsigned width)
{
    unsigned n = 0;
    for (char *p = line; *p; p++) {
        if (((unsigned char)*p & 0xc0) != 0x80 && n++ == width) {
            *p = '\0';
            return;
        }
    }
}

static void put_bar(const struct cli_progress *p, char *bar)
{
    unsigned full = p->total ? (unsigned)(p->ended * BAR_CELLS / p->total) : 0;
    for (unsigned i = 0; i < BAR_CELLS; i++)
        bar[i] = i < full ? '#' : '-';
    bar[BAR_CELLS] = '\0';
}

static void compose(const struct cli_progress *p, char *line, size_t cap)
{
    char bar[BAR_CELLS + 1], time[32], count[64] = "";
    put_bar(p, bar);
    if (p->statements && p->statements != UINT64_MAX)
        snprintf(count, sizeof count, "  statement %llu/%llu", (unsigned long long)p->statement,
                 (unsigned long long)p->statements);
    if (p->total)
        snprintf(line, cap, "[%s]  %llu/%llu  %s%s  %s%s%s", bar, (unsigned long long)p->ended,
                 (unsigned long long)p->total, p->label, count,
                 cli_duration(now_ms() - p->began_ms, time, sizeof time), *p->phase ? "  " : "", p->phase);
    else
        snprintf(line, cap, "%s", p->phase);
    cli_clean(line);
}

static void draw(struct cli_progress *p)
{
    char line[LINE_CAP];
    p->drawn_ms = now_ms();
    compose(p, line, sizeof line);
    cut(line, columns() - 1);
    fflush(stdout);
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    p->shown = true;
}

static void begin(struct cli_progress *p, const migrate_event *event)
{
    const migrate_item *item = migrate_event_item(event);
    p->running = true;
    p->began_ms = now_ms();
    p->statement = 0;
    p->statements = item ? migrate_item_statements(item) : 0;
    p->total = migrate_event_total(event);
    p->label[0] = p->phase[0] = '\0';
    if (item)
        cli_label(item, p->label, sizeof p->label);
}

static void server_says(struct cli_progress *p, const migrate_event *event)
{
    uint64_t done = migrate_event_index(event), total = migrate_event_total(event);
    const char *phase = migrate_event_text(event);
    if (total)
        snprintf(p->phase, sizeof p->phase, "%s %llu%%", phase, (unsigned long long)(done * 100 / total));
    else
        snprintf(p->phase, sizeof p->phase, "%s", phase);
}

static void statement_done(struct cli_progress *p, const migrate_event *event)
{
    p->statement = migrate_event_index(event);
    if (migrate_event_total(event))
        p->statements = migrate_event_total(event);
    p->phase[0] = '\0';
}

void cli_progress_event(struct cli_progress *p, const migrate_event *event)
{
    switch (migrate_event_type(event)) {
    case MIGRATE_EVENT_RUN_BEGIN:
        p->total = migrate_event_total(event);
        p->ended = 0;
        break;
    case MIGRATE_EVENT_MIGRATION_BEGIN:
        begin(p, event);
        break;
    case MIGRATE_EVENT_MIGRATION_END:
        p->ended++;
        p->running = false;
        break;
    case MIGRATE_EVENT_STATEMENT:
        statement_done(p, event);
        break;
    case MIGRATE_EVENT_PROGRESS:
        server_says(p, event);
        break;
    case MIGRATE_EVENT_WAIT_LOCK:
    case MIGRATE_EVENT_BLOCKED:
        snprintf(p->phase, sizeof p->phase, "%s", migrate_event_text(event));
        p->waiting = true;
        break;
    case MIGRATE_EVENT_LOCKED:
        p->phase[0] = '\0';
        p->waiting = false;
        break;
    case MIGRATE_EVENT_RUN_END:
        p->running = p->waiting = false;
        cli_progress_clear(p);
        return;
    default:
        break;
    }
    if ((p->running || p->waiting) && now_ms() - p->drawn_ms >= REDRAW_MS)
        draw(p);
}
