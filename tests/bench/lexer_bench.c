/* SPDX-License-Identifier: Apache-2.0 */

/* How fast scripts are cut into statements, beside memchr() over the same bytes, which shows how fast this
 * machine reads memory just now. Processor time is counted, so that other work on the machine matters less.
 *
 *     lexer_bench [MEGABYTES]             scripts of its own, one of each kind
 *     lexer_bench MEGABYTES DIALECT FILE  a file, again and again */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <migrate/driver.h>
#include <migrate/status.h>

#include "sql/lexer.h"
#include "util/buf.h"

struct script {
    const char *name;
    const char *dialect;
    const char *unit; /* repeated */
};

static const struct script scripts[] = {
    { "pg short rows", "postgres",
      "INSERT INTO public.accounts (id, name, email, balance, active) VALUES (1234567, 'Ada Lovelace', "
      "'ada@example.org', 1024.50, true);\n" },
    { "pg long literals", "postgres",
      "INSERT INTO documents VALUES (42, 'Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do "
      "eiusmod "
      "tempor incididunt ut labore et dolore magna aliqua. Ut enim ad minim veniam, quis nostrud "
      "exercitation "
      "ullamco laboris nisi ut aliquip ex ea commodo consequat. Duis aute irure dolor in reprehenderit in "
      "voluptate "
      "velit esse cillum dolore eu fugiat nulla pariatur. Excepteur sint occaecat cupidatat non proident, "
      "sunt in "
      "culpa qui officia deserunt mollit anim id est laborum, it''s true.');\n" },
    { "pg schema", "postgres",
      "-- Name: orders; Type: TABLE; Schema: public\n"
      "CREATE TABLE public.orders (\n    id bigint NOT NULL,\n    customer_id bigint NOT NULL,\n    "
      "placed_at timestamp "
      "with time zone DEFAULT now() NOT NULL,\n    state character varying(20) DEFAULT 'new'::character "
      "varying NOT "
      "NULL,\n    CONSTRAINT orders_state_check CHECK (((state)::text = ANY (ARRAY['new'::text, "
      "'paid'::text])))\n);\n"
      "CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n    NEW.updated_at := "
      "now();\n"
      "    RETURN NEW;\nEND;\n$$;\n" },
    { "pg copy", "postgres",
      "1234567\tAda Lovelace\tada@example.org\t1024.50\t\\N\t2024-01-01 00:00:00+00\n" },
    { "mysql extended rows", "mysql",
      "(1234567,'Ada Lovelace','ada@example.org',1024.50,NULL),(1234568,'Charles "
      "O\\'Babbage','cb@example.org',7,1),"
      "(1234569,'Grace Hopper','grace@example.org',-3.5,0)\n" },
    { "mysql schema", "mysql",
      "DROP TABLE IF EXISTS `orders`;\n/*!40101 SET @saved_cs_client = @@character_set_client */;\nCREATE "
      "TABLE "
      "`orders` (\n  `id` bigint NOT NULL AUTO_INCREMENT,\n  `state` varchar(20) NOT NULL DEFAULT 'new' "
      "COMMENT 'it''s "
      "the state; see code',\n  PRIMARY KEY (`id`),\n  KEY `by_state` (`state`)\n) ENGINE=InnoDB DEFAULT "
      "CHARSET=utf8mb4;\nCREATE TRIGGER t1 BEFORE INSERT ON orders FOR EACH ROW BEGIN IF NEW.state IS NULL "
      "THEN SET "
      "NEW.state = 'new'; END IF; END;\n" },
    { "sqlite dump", "sqlite",
      "INSERT INTO \"notes\" VALUES(17,'A note with a fair amount of text in it, as people write "
      "them.',X'0badcafe');\n" },
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct source {
    const char *text;
    size_t len, pos;
};

static int32_t read_some(void *user, char *buf, size_t cap, size_t *got)
{
    struct source *s = user;
    *got = s->len - s->pos < cap ? s->len - s->pos : cap;
    memcpy(buf, s->text + s->pos, *got);
    s->pos += *got;
    return MIGRATE_OK;
}

static struct mig_sql_config configure(const char *dialect)
{
    struct mig_sql_config config = { .dialect = MIGRATE_DIALECT_OTHER, .read = read_some };
    config.mariadb = !strcmp(dialect, "mariadb");
    if (!strcmp(dialect, "postgres"))
        config.dialect = MIGRATE_DIALECT_POSTGRES;
    else if (!strcmp(dialect, "mysql") || config.mariadb)
        config.dialect = MIGRATE_DIALECT_MYSQL;
    else if (!strcmp(dialect, "sqlite"))
        config.dialect = MIGRATE_DIALECT_SQLITE;
    config.lex = mig_sql_default_lex(config.dialect, 0, config.mariadb);
    return config;
}

static size_t cut_all(const char *dialect, const struct mig_buf *text)
{
    struct source source = { .text = text->data, .len = text->len };
    struct mig_sql_config config = configure(dialect);
    config.read_user = &source;
    struct mig_sql_lexer *lx = mig_sql_open(&config);
    struct mig_sql_statement st;
    struct mig_diag diag = MIG_DIAG_INIT;
    size_t n = 0;
    int32_t status = MIGRATE_E_NOMEM;
    while (lx && (status = mig_sql_next(lx, &st, &diag)) == MIGRATE_OK)
        n++;
    if (status != MIGRATE_DONE)
        fprintf(stderr, "%s at line %llu\n", diag.message ? diag.message : "failed",
                (unsigned long long)diag.line);
    mig_diag_free(&diag);
    mig_sql_close(lx);
    return n;
}

static size_t search_all(const struct mig_buf *text)
{
    size_t hits = 0;
    for (const char *p = text->data, *end = p + text->len; p < end; p += 65536)
        hits += memchr(p, 1, (size_t)(end - p) < 65536 ? (size_t)(end - p) : 65536) != NULL;
    return hits;
}

static void measure(const char *name, const char *dialect, const struct mig_buf *text)
{
    double mb = (double)text->len / 1e6, cutting = 1e9, searching = 1e9;
    size_t n = 0, hits = 0;
    for (int round = 0; round < 5; round++) {
        double t = now();
        n = cut_all(dialect, text);
        double mid = now();
        hits += search_all(text);
        double end = now();
        cutting = mid - t < cutting ? mid - t : cutting;
        searching = end - mid < searching ? end - mid : searching;
    }
    printf("%-22s %9zu statements %8.0f MB/s   memchr %8.0f MB/s   ratio %6.1f%s\n", name, n, mb / cutting,
           mb / searching, cutting / searching, hits ? " (the byte occurs)" : "");
}

static struct mig_buf make(const struct script *s, size_t size)
{
    struct mig_buf text = MIG_BUF_INIT;
    bool copy = !strcmp(s->name, "pg copy");
    bool rows = !strcmp(s->name, "mysql extended rows");
    const char *first = copy ? "COPY accounts FROM STDIN;\n" : rows ? "INSERT INTO accounts VALUES\n" : "";
    mig_buf_str(&text, first);
    while (text.len < size && !text.oom) {
        mig_buf_str(&text, s->unit);
        if (rows && text.len / 1000000 != (text.len - strlen(s->unit)) / 1000000)
            mig_buf_fmt(&text, ";\n%s", first);
        else if (rows)
            mig_buf_char(&text, ',');
    }
    mig_buf_str(&text, copy ? "\\.\n" : rows ? "(0);\n" : "");
    return text;
}

static int measure_file(size_t size, const char *dialect, const char *path)
{
    struct mig_buf one = MIG_BUF_INIT, text = MIG_BUF_INIT;
    char buf[65536];
    FILE *f = fopen(path, "rb");
    for (size_t n; f && (n = fread(buf, 1, sizeof buf, f)) > 0;)
        mig_buf_add(&one, buf, n);
    if (!f || !one.len) {
        fprintf(stderr, "cannot read %s\n", path);
        return 1;
    }
    fclose(f);
    while (text.len < size && !text.oom) {
        mig_buf_add(&text, one.data, one.len);
        mig_buf_char(&text, '\n');
    }
    measure(path, dialect, &text);
    mig_buf_free(&one);
    mig_buf_free(&text);
    return 0;
}

int main(int argc, char **argv)
{
    size_t size = (argc > 1 ? strtoul(argv[1], NULL, 10) : 64) * 1000000;
    if (argc > 3)
        return measure_file(size, argv[2], argv[3]);
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct mig_buf text = make(&scripts[i], size);
        measure(scripts[i].name, scripts[i].dialect, &text);
        mig_buf_free(&text);
    }
    return 0;
}
