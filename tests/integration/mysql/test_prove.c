/* SPDX-License-Identifier: Apache-2.0 */

/* Fingerprints: what they see, what they do not, and when they say that they cannot tell. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests.h"

enum { ALL = MIGRATE_PROVES_DEFINITION | MIGRATE_PROVES_IDENTITY | MIGRATE_PROVES_REBUILD };

static migrate_object object(uint32_t kind, const char *name)
{
    return (migrate_object){ .struct_size = sizeof(migrate_object), .kind = kind, .name = { name, strlen(name) } };
}

/* "SELECT expression". To be freed. */
static char *expression(void *conn, uint32_t kind, const char *name, uint32_t want, uint32_t *proves)
{
    const migrate_object o = object(kind, name);
    const char *sql = NULL;
    uint32_t p = want;
    migrate_status status = my->fingerprint(conn, &o, &sql, &p, NULL);
    ck_assert_msg(status == MIGRATE_OK, "%s: %d %s", name, status, H.message);
    if (proves)
        *proves = p;
    char *text = malloc(strlen(sql) + 8);
    sprintf(text, "SELECT %s", sql);
    return text;
}

static char *print_of(void *conn, uint32_t kind, const char *name, uint32_t want)
{
    char *sql = expression(conn, kind, name, want, NULL);
    char *text = strdup(value(conn, sql));
    free(sql);
    return text;
}

static char *definition(const char *print)
{
    return strndup(print, strcspn(print, ":?"));
}

struct change {
    const char *sql;
    int         only; /* 0 both, 1 MariaDB, 2 MySQL */
};

static bool here(int only)
{
    return !only || (only == 1) == is_mariadb();
}

static const char *const base[] = {
    "DROP TABLE IF EXISTS t,child,parent",
    "CREATE TABLE parent (id int PRIMARY KEY) ENGINE=InnoDB",
    "CREATE TABLE t (id int NOT NULL, a varchar(50) DEFAULT 'x', b int, c datetime, d decimal(10,2), e enum('p','q'), g int "
    "GENERATED ALWAYS AS (b+1) VIRTUAL, p int, s varchar(10), PRIMARY KEY (id), KEY ka (a), UNIQUE KEY ub (b), CONSTRAINT ck "
    "CHECK (b > 0), CONSTRAINT fk FOREIGN KEY (p) REFERENCES parent (id)) ENGINE=InnoDB COMMENT='one'",
};

static void make_base(void *conn)
{
    for (size_t i = 0; i < sizeof base / sizeof *base; i++)
        must(conn, base[i]);
}

/* Statements that change the definition. */
static const struct change changing[] = {
    { "ADD COLUMN n int", 0 }, { "ADD COLUMN n int FIRST", 0 }, { "ADD COLUMN n int AFTER a", 0 }, { "DROP COLUMN c", 0 },
    { "MODIFY a varchar(60)", 0 }, { "MODIFY a varchar(50) NOT NULL DEFAULT 'x'", 0 }, { "CHANGE c cc datetime", 0 },
    { "ALTER a SET DEFAULT 'y'", 0 }, { "ALTER a DROP DEFAULT", 0 }, { "MODIFY b int COMMENT 'hey'", 0 },
    { "MODIFY c datetime(3)", 0 }, { "MODIFY d decimal(12,2)", 0 }, { "MODIFY e enum('p','q','r')", 0 },
    { "MODIFY g int GENERATED ALWAYS AS (b+2) VIRTUAL", 0 }, { "MODIFY c datetime FIRST", 0 },
    { "MODIFY s varchar(10) CHARACTER SET latin1", 0 }, { "MODIFY s varchar(10) COLLATE utf8mb4_bin", 0 },
    { "ADD KEY kd (d)", 0 }, { "ADD UNIQUE KEY ud (d)", 0 }, { "ADD KEY kp (a(10))", 0 }, { "ADD FULLTEXT KEY ft (s)", 0 },
    { "DROP KEY ka", 0 }, { "RENAME KEY ka TO kb", 0 }, { "DROP KEY ka, ADD KEY ka (a DESC)", 2 },
    { "ALTER INDEX ka INVISIBLE", 2 }, { "ALTER INDEX ka IGNORED", 1 }, { "ADD KEY kf ((b+1))", 2 },
    { "DROP PRIMARY KEY, ADD PRIMARY KEY (id,b)", 0 }, { "DROP CONSTRAINT ck", 0 }, { "ADD CONSTRAINT c2 CHECK (id<>5)", 0 },
    { "DROP CONSTRAINT ck, ADD CONSTRAINT ck CHECK (b > 1)", 0 }, { "ALTER CHECK ck NOT ENFORCED", 2 },
    { "DROP FOREIGN KEY fk", 0 }, { "DROP FOREIGN KEY fk, ADD CONSTRAINT f2 FOREIGN KEY (p) REFERENCES parent (id)", 0 },
    { "ADD CONSTRAINT f3 FOREIGN KEY (id) REFERENCES parent (id) ON DELETE CASCADE", 0 },
    { "COMMENT='two'", 0 }, { "ROW_FORMAT=COMPRESSED", 0 }, { "STATS_PERSISTENT=0", 0 },
    { "DEFAULT CHARACTER SET latin1", 0 }, { "CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", 0 },
    { "MODIFY b int INVISIBLE", 0 }, { "ADD COLUMN j json", 0 }, { "MODIFY id int NOT NULL AUTO_INCREMENT", 0 },
    { "ADD SYSTEM VERSIONING", 1 },
};

START_TEST(test_sees_changes)
{
    make_base(C);
    char *before = print_of(C, MIGRATE_OBJECT_TABLE, "t", 0);
    for (size_t i = 0; i < sizeof changing / sizeof *changing; i++) {
        char sql[400];
        if (!here(changing[i].only))
            continue;
        snprintf(sql, sizeof sql, "ALTER TABLE t %s", changing[i].sql);
        must(C, sql);
        char *after = print_of(C, MIGRATE_OBJECT_TABLE, "t", 0);
        ck_assert_msg(strcmp(before, after) != 0, "not seen: %s", sql);
        free(after);
        make_base(C);
        after = print_of(C, MIGRATE_OBJECT_TABLE, "t", 0);
        ck_assert_msg(strcmp(before, after) == 0, "not the same again after: %s", sql);
        free(after);
    }
    free(before);
}
END_TEST

/* A table with nothing but columns and indexes has a shorter expression, which gives the same value. */
START_TEST(test_short_is_same)
{
    static const char *const makes[] = { "CREATE TABLE s1 (id int PRIMARY KEY, v varchar(20), KEY (v))",
                                         "CREATE TABLE `s 2` (id int) COMMENT='x'" };
    static const char *const names[] = { "s1", "s 2" };
    struct test_host h2;
    void *c2 = second(&h2);
    migrate_info info = { .struct_size = sizeof info };
    ck_assert_int_eq(my->info(C, &info, NULL), MIGRATE_OK);
    ck_assert_int_eq(my->info(c2, &info, NULL), MIGRATE_OK);
    must(c2, "DO 1");
    must(c2, "PREPARE s FROM 'DO 1'");
    must(c2, "EXECUTE s"); /* which may have done anything */
    for (size_t i = 0; i < 2; i++) {
        must(C, makes[i]);
        char *one = expression(C, MIGRATE_OBJECT_TABLE, names[i], 0, NULL), *two = expression(c2, MIGRATE_OBJECT_TABLE, names[i], 0, NULL);
        bool shorter = strcmp(value(C, "SELECT @@lower_case_table_names"), "0") == 0;
        ck_assert_int_eq(strlen(one) + 1000 < strlen(two), shorter);
        char *print = strdup(value(C, one));
        ck_assert_str_eq(print, value(c2, two));
        /* changed behind our back: what does not suffice says so */
        char sql[200];
        snprintf(sql, sizeof sql, "ALTER TABLE `%s` ADD CONSTRAINT CHECK (id>%zu)", names[i], i);
        must(c2, sql);
        ck_assert_int_eq(strchr(value(C, one), '?') != NULL, shorter);
        free(print);
        free(one);
        free(two);
        /* and known, it is the long one */
        snprintf(sql, sizeof sql, "ALTER TABLE `%s` ADD CONSTRAINT CHECK (id<>%zu)", names[i], i + 7);
        must(C, sql);
        one = expression(C, MIGRATE_OBJECT_TABLE, names[i], 0, NULL);
        ck_assert_ptr_null(strchr(value(C, one), '?'));
        free(one);
    }
    my->close(c2);
    host_free(&h2);
}
END_TEST

/* Data, statistics and maintenance leave it alone. */
START_TEST(test_ignores_data)
{
    static const char *const neutral[] = {
        "INSERT INTO parent VALUES (1)", "INSERT INTO t (id,b,p) VALUES (1,1,1),(2,2,1)", "ANALYZE TABLE t", "OPTIMIZE TABLE t",
        "ALTER TABLE t FORCE", "ALTER TABLE t ENGINE=InnoDB", "DELETE FROM t", "FLUSH TABLES" };
    make_base(C);
    char *before = print_of(C, MIGRATE_OBJECT_TABLE, "t", 0);
    for (size_t i = 0; i < sizeof neutral / sizeof *neutral; i++) {
        must(C, neutral[i]);
        char *after = print_of(C, MIGRATE_OBJECT_TABLE, "t", 0);
        ck_assert_msg(strcmp(before, after) == 0, "changed by: %s", neutral[i]);
        free(after);
    }
    free(before);
}
END_TEST

START_TEST(test_sees_partitions)
{
    static const char *const steps[] = {
        "ALTER TABLE p ADD PARTITION (PARTITION p3 VALUES LESS THAN (30))", "ALTER TABLE p DROP PARTITION p3",
        "ALTER TABLE p REORGANIZE PARTITION p2 INTO (PARTITION p2 VALUES LESS THAN (25))",
        "ALTER TABLE p REORGANIZE PARTITION p2 INTO (PARTITION p2 VALUES LESS THAN (25) COMMENT='x')",
        "ALTER TABLE p REMOVE PARTITIONING", "ALTER TABLE p PARTITION BY HASH (id) PARTITIONS 3",
        "ALTER TABLE p COALESCE PARTITION 1" };
    must(C, "CREATE TABLE p (id int PRIMARY KEY, v int) PARTITION BY RANGE (id) (PARTITION p1 VALUES LESS THAN (10), PARTITION "
            "p2 VALUES LESS THAN (20))");
    char *before = print_of(C, MIGRATE_OBJECT_TABLE, "p", 0);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        must(C, steps[i]);
        char *after = print_of(C, MIGRATE_OBJECT_TABLE, "p", 0);
        ck_assert_msg(strcmp(before, after) != 0, "not seen: %s", steps[i]);
        free(before);
        before = after;
    }
    free(before);
}
END_TEST

/* The session's way to print must not show. */
START_TEST(test_same_under_modes)
{
    static const char *const modes[] = {
        "SET sql_mode='ANSI'", "SET sql_mode='ANSI_QUOTES'", "SET sql_mode='NO_BACKSLASH_ESCAPES'", "SET sql_mode='TRADITIONAL'",
        "SET sql_mode='PIPES_AS_CONCAT,IGNORE_SPACE,HIGH_NOT_PRECEDENCE'", "SET sql_mode=''", "SET NAMES latin1", "SET NAMES ascii",
        "SET NAMES utf8mb4 COLLATE utf8mb4_bin", "SET time_zone='+05:00'", "SET sql_quote_show_create=0", "SET sql_select_limit=0",
        "SET max_join_size=1, sql_big_selects=1" };
    make_base(C);
    must(C, "CREATE TABLE `we\"ird'``näme` (`a b` int DEFAULT 5, CHECK (`a b` > 1)) PARTITION BY HASH (`a b`) PARTITIONS 2");
    char *weird = expression(C, MIGRATE_OBJECT_TABLE, "we\"ird'`näme", 0, NULL);
    char *before = print_of(C, MIGRATE_OBJECT_TABLE, "t", 0), *weird_before = strdup(value(C, weird));
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        must(C, modes[i]);
        must(C, "SET @f=1");
        must(C, "CREATE TEMPORARY TABLE IF NOT EXISTS keep (v varchar(200))");
        char *insert = malloc(strlen(weird) + 200);
        /* as it is used: within VALUES, which no limit of rows touches */
        must(C, "DELETE FROM keep");
        char *sql = expression(C, MIGRATE_OBJECT_TABLE, "t", 0, NULL);
        char *wide = malloc(strlen(sql) + 200);
        sprintf(wide, "INSERT INTO keep VALUES ((%s))", sql);
        must(C, wide);
        sprintf(insert, "INSERT INTO keep VALUES ((%s))", weird);
        must(C, insert);
        must(C, "SET sql_select_limit=DEFAULT");
        snprintf(wide, 150, "SELECT COUNT(*) FROM keep WHERE v IN (X'%s','%s')", "", before);
        ck_assert_msg(strcmp(value(C, wide), "1") == 0, "%s: another value for t", modes[i]);
        snprintf(wide, 150, "SELECT COUNT(*) FROM keep WHERE v='%s'", weird_before);
        ck_assert_msg(strcmp(value(C, wide), "1") == 0, "%s: another value for the odd name", modes[i]);
        free(insert);
        free(sql);
        free(wide);
    }
    free(weird);
    free(before);
    free(weird_before);
}
END_TEST

static void sees(uint32_t kind, const char *name, const char *const *sql)
{
    char *before = print_of(C, kind, name, 0);
    ck_assert_str_eq(before, "-");
    for (size_t i = 0; sql[i]; i++) {
        must(C, sql[i]);
        char *after = print_of(C, kind, name, 0);
        ck_assert_msg(strcmp(before, after) != 0, "not seen: %s", sql[i]);
        ck_assert_msg(!strchr(after, '?'), "not proved: %s", sql[i]);
        free(before);
        before = after;
    }
    ck_assert_str_eq(before, "-");
    free(before);
}

START_TEST(test_other_kinds)
{
    static const char *const view[] = { "CREATE VIEW v AS SELECT id FROM t", "CREATE OR REPLACE VIEW v AS SELECT id,a FROM t",
                                        "ALTER SQL SECURITY INVOKER VIEW v AS SELECT id,a FROM t", "DROP VIEW v", NULL };
    static const char *const procedure[] = { "CREATE PROCEDURE r(x int) SELECT x", "ALTER PROCEDURE r COMMENT 'c'", "DROP PROCEDURE r",
                                             NULL };
    static const char *const function[] = { "CREATE FUNCTION r(x int) RETURNS int DETERMINISTIC RETURN x", "DROP FUNCTION r", NULL };
    static const char *const trigger[] = { "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.b=1", "DROP TRIGGER g", NULL };
    static const char *const event[] = { "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1", "ALTER EVENT e DISABLE",
                                         "ALTER EVENT e COMMENT 'x'", "DROP EVENT e", NULL };
    static const char *const database[] = { "CREATE DATABASE t_other", "ALTER DATABASE t_other CHARACTER SET ascii",
                                            "DROP DATABASE t_other", NULL };
    static const char *const sequence[] = { "CREATE SEQUENCE q", "DROP SEQUENCE q", NULL };
    make_base(C);
    must(C, "DROP DATABASE IF EXISTS t_other");
    sees(MIGRATE_OBJECT_VIEW, "v", view);
    sees(MIGRATE_OBJECT_ROUTINE, "r", procedure);
    sees(MIGRATE_OBJECT_ROUTINE, "r", function);
    sees(MIGRATE_OBJECT_TRIGGER, "g", trigger);
    sees(MIGRATE_OBJECT_EVENT, "e", event);
    sees(MIGRATE_OBJECT_DATABASE, "t_other", database);
    if (is_mariadb())
        sees(MIGRATE_OBJECT_SEQUENCE, "q", sequence);
}
END_TEST

START_TEST(test_letter_case)
{
    must(C, "CREATE TABLE MixedCase (Id int)");
    char *before = print_of(C, MIGRATE_OBJECT_TABLE, "MixedCase", ALL);
    ck_assert_str_ne(before, "-");
    must(C, "ALTER TABLE MixedCase ADD COLUMN X int");
    char *after = print_of(C, MIGRATE_OBJECT_TABLE, "MixedCase", ALL);
    ck_assert_str_ne(before, after);
    ck_assert_msg(strncmp(strchr(after, ':'), ":1.", 3) == 0, "no identity: %s", after);
    free(before);
    free(after);
}
END_TEST

/* The definition stays, and what more was asked for tells. */
START_TEST(test_identity)
{
    static const struct { const char *sql; bool id, time; /* must change */ } cases[] = {
        { "TRUNCATE TABLE t", true, false }, { "RENAME TABLE t TO x, t2 TO t, x TO t2", true, false },
        { "ALTER TABLE t DROP COLUMN b, ADD COLUMN b int", false, true }, { "ALTER TABLE t FORCE", true, true },
        { "ALTER TABLE p EXCHANGE PARTITION p1 WITH TABLE t3", true, false } };
    must(C, "CREATE TABLE t (id int, b int)");
    must(C, "CREATE TABLE t2 (id int, b int)");
    must(C, "CREATE TABLE t3 (id int)");
    must(C, "CREATE TABLE p (id int) PARTITION BY RANGE (id) (PARTITION p1 VALUES LESS THAN (10))");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name = strstr(cases[i].sql, "EXCHANGE") ? "p" : "t";
        char *wait = expression(C, MIGRATE_OBJECT_TABLE, name, ALL, NULL);
        while (strchr(value(C, wait), '?'))
            usleep(50000);
        char *before = strdup(value(C, wait));
        must(C, cases[i].sql);
        char *after = strdup(value(C, wait));
        char *d1 = definition(before), *d2 = definition(after);
        ck_assert_msg(strcmp(d1, d2) == 0, "%s changes the definition", cases[i].sql);
        size_t id1 = strcspn(before, "@"), id2 = strcspn(after, "@");
        bool id = id1 != id2 || strncmp(before, after, id1) != 0, time = strcmp(before + id1, after + id2) != 0;
        ck_assert_msg(id || !cases[i].id, "%s: identity %s -> %s", cases[i].sql, before, after);
        if (cases[i].time)
            ck_assert_msg(time, "%s: time %s -> %s", cases[i].sql, before, after);
        free(wait);
        free(before);
        free(after);
        free(d1);
        free(d2);
    }
}
END_TEST

/* What runs again without harm, and what else leaves the definition. '#' is a table of the case's own. */
static const struct kept {
    const char *sql;
    char id, time; /* '+' changes, '-' stays, ' ' either */
    int  only;
} kept[] = {
    { "ANALYZE TABLE #", '-', '-', 0 },
    { "ALTER TABLE # DISABLE KEYS", '-', '-', 0 },
    { "TRUNCATE TABLE #", '+', ' ', 0 },
    { "ALTER TABLE # TRUNCATE PARTITION p1", '+', ' ', 0 },
    { "ALTER TABLE # REORGANIZE PARTITION p1 INTO (PARTITION p1 VALUES LESS THAN (10))", '+', ' ', 0 },
    { "ALTER TABLE # REBUILD PARTITION p1", '+', '+', 0 },
    { "ALTER TABLE # AUTO_INCREMENT=50", '-', '+', 0 },
    { "ALTER TABLE # ENGINE=InnoDB", '+', '+', 0 },
    { "ALTER TABLE # FORCE", '+', '+', 0 },
    { "OPTIMIZE TABLE #", '+', '+', 0 },
    { "ALTER TABLE # ORDER BY id", '+', '+', 0 },
    { "ALTER TABLE # DISCARD TABLESPACE", '+', ' ', 2 },
    { "CREATE OR REPLACE TABLE # (id int, b int)", '+', '+', 1 },
};

static void with_name(char *out, const char *sql, const char *name)
{
    size_t before = strcspn(sql, "#");
    sprintf(out, "%.*s%s%s", (int)before, sql, name, sql + before + 1);
}

static void check_kept(const struct kept *k, const char *name, const char *before)
{
    char sql[200];
    with_name(sql, k->sql, name);
    must(C, sql);
    char *after = print_of(C, MIGRATE_OBJECT_TABLE, name, ALL), *d1 = definition(before), *d2 = definition(after);
    size_t id1 = strcspn(before, "@"), id2 = strcspn(after, "@?");
    bool id = id1 != id2 || strncmp(before, after, id1) != 0;
    bool time = strncmp(before + id1, after + strcspn(after, "@"), strlen(before + id1)) != 0;
    ck_assert_msg(strcmp(d1, d2) == 0, "%s: definition", sql);
    ck_assert_msg(k->id == ' ' || id == (k->id == '+'), "%s: identity %s -> %s", sql, before, after);
    ck_assert_msg(k->time == ' ' || time == (k->time == '+'), "%s: time %s -> %s", sql, before, after);
    free(after);
    free(d1);
    free(d2);
}

START_TEST(test_kept_definitions)
{
    char sql[200], name[16];
    char *before[sizeof kept / sizeof *kept];
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        sprintf(name, "k%zu", i);
        with_name(sql, strstr(kept[i].sql, "PARTITION") ? "CREATE TABLE # (id int, b int) PARTITION BY RANGE (id) (PARTITION p1 VALUES LESS THAN (10))"
                                                        : "CREATE TABLE # (id int, b int)", name);
        must(C, sql);
    }
    sprintf(name, "k%zu", sizeof kept / sizeof *kept - 1);
    char *last = expression(C, MIGRATE_OBJECT_TABLE, name, ALL, NULL);
    while (strchr(value(C, last), '?')) /* younger than a second */
        usleep(50000);
    free(last);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        sprintf(name, "k%zu", i);
        before[i] = print_of(C, MIGRATE_OBJECT_TABLE, name, ALL);
    }
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        sprintf(name, "k%zu", i);
        if (here(kept[i].only))
            check_kept(&kept[i], name, before[i]);
        free(before[i]);
    }
}
END_TEST

/* Several tables in one statement, and rows that come with a table. */
START_TEST(test_all_or_nothing)
{
    must(C, "CREATE TABLE a (id int)");
    must(C, "CREATE TABLE b (id int)");
    must(C, "INSERT INTO a VALUES (1),(2),(1)");
    ck_assert_int_ne(run(C, "CREATE TABLE c (PRIMARY KEY (id)) SELECT id FROM a", NULL), MIGRATE_OK);
    ck_assert_int_ne(run(C, "RENAME TABLE a TO a2, b TO b2, missing TO c", NULL), MIGRATE_OK);
    ck_assert_str_eq(value(C, "SELECT GROUP_CONCAT(table_name ORDER BY 1) FROM information_schema.tables WHERE table_schema=DATABASE()"),
                     "a,b");
    ck_assert_int_ne(run(C, "DROP TABLE a, missing, b", NULL), MIGRATE_OK);
    ck_assert_str_eq(value(C, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema=DATABASE()"), is_mariadb() ? "0" : "2");
}
END_TEST

START_TEST(test_says_it_cannot)
{
    const migrate_object m = object(MIGRATE_OBJECT_TABLE, "m"), i = object(MIGRATE_OBJECT_INDEX, "i");
    const char *sql;
    uint32_t proves = 0;
    must(C, "CREATE TABLE m (id int) ENGINE=MyISAM");
    migrate_info info = { .struct_size = sizeof info };
    ck_assert_int_eq(my->info(C, &info, NULL), MIGRATE_OK);
    ck_assert_int_eq(my->fingerprint(C, &m, &sql, &proves, NULL), MIGRATE_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(H.message, "engine"));
    ck_assert_int_eq(my->fingerprint(C, &i, &sql, &proves, NULL), MIGRATE_E_UNSUPPORTED);
    /* made after info(): the value itself says it */
    must(C, "CREATE TABLE m2 (id int) ENGINE=MyISAM");
    char *print = print_of(C, MIGRATE_OBJECT_TABLE, "m2", 0);
    ck_assert_ptr_nonnull(strchr(print, '?'));
    free(print);
    print = print_of(C, MIGRATE_OBJECT_TABLE, "m2", MIGRATE_PROVES_ABSENCE);
    ck_assert_str_eq(print, "+?");
    free(print);
    print = print_of(C, MIGRATE_OBJECT_TABLE, "nowhere", MIGRATE_PROVES_ABSENCE);
    ck_assert_str_eq(print, "-");
    free(print);
}
END_TEST

/* Without PROCESS no identity; a view that one may not see is no proof. */
START_TEST(test_privileges)
{
    struct test_host h2;
    uint32_t proves;
    must(C, "DROP USER IF EXISTS weak");
    must(C, "CREATE USER weak IDENTIFIED BY 'x'");
    must(C, "GRANT SELECT,INSERT,UPDATE,DELETE,CREATE,ALTER,DROP,INDEX,REFERENCES,CREATE VIEW ON t_driver.* TO weak");
    must(C, "CREATE TABLE t (id int)");
    must(C, "CREATE VIEW v AS SELECT * FROM t");
    must(C, "CREATE PROCEDURE r() SELECT 1");
    host_init(&h2);
    h2.cred.user = "weak";
    h2.cred.password = "x";
    void *c2 = open_url(&h2, my_url("t_driver"));
    migrate_info info = { .struct_size = sizeof info };
    ck_assert_msg(my->info(c2, &info, NULL) == MIGRATE_OK, "%s", h2.message);
    free(expression(c2, MIGRATE_OBJECT_TABLE, "t", ALL, &proves));
    ck_assert_uint_eq(proves, MIGRATE_PROVES_DEFINITION | MIGRATE_PROVES_REBUILD);
    char *one = print_of(C, MIGRATE_OBJECT_TABLE, "t", 0), *two = print_of(c2, MIGRATE_OBJECT_TABLE, "t", 0);
    ck_assert_str_eq(one, two);
    free(one);
    free(two);
    const migrate_object v = object(MIGRATE_OBJECT_VIEW, "v");
    const char *sql;
    proves = 0;
    ck_assert_int_eq(my->fingerprint(c2, &v, &sql, &proves, NULL), MIGRATE_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(h2.hint, "SHOW VIEW"));
    ck_assert_int_eq(run(c2, "CREATE FUNCTION f() RETURNS int RETURN 1", NULL), MIGRATE_E_DENIED);
    ck_assert_int_eq(run(c2, "SELECT * FROM mysql.user", NULL), MIGRATE_E_DENIED);
    ck_assert_int_eq(run(c2, "USE mysql", NULL), MIGRATE_E_DENIED);
    my->close(c2);
    host_free(&h2);
    must(C, "DROP USER weak");
}
END_TEST

START_TEST(test_describe)
{
    const migrate_object t = object(MIGRATE_OBJECT_TABLE, "t"), v = object(MIGRATE_OBJECT_VIEW, "v"),
                         r = object(MIGRATE_OBJECT_ROUTINE, "r"), d = object(MIGRATE_OBJECT_DATABASE, "t_driver"),
                         g = object(MIGRATE_OBJECT_TRIGGER, "g"), e = object(MIGRATE_OBJECT_EVENT, "e"),
                         none = object(MIGRATE_OBJECT_TABLE, "none");
    const char *text = "";
    must(C, "CREATE TABLE t (id int)");
    must(C, "CREATE VIEW v AS SELECT * FROM t");
    must(C, "CREATE FUNCTION r() RETURNS int DETERMINISTIC RETURN 42");
    must(C, "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id=7");
    must(C, "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 9");
    const struct { const migrate_object *o; const char *has; } cases[] = {
        { &t, "CREATE TABLE `t`" }, { &v, "VIEW `v`" }, { &r, "42" }, { &d, "CREATE DATABASE" }, { &g, "=7" }, { &e, "SELECT 9" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(my->describe(C, cases[i].o, &text, NULL), MIGRATE_OK);
        ck_assert_ptr_nonnull(text);
        ck_assert_msg(strstr(text, cases[i].has) != NULL, "%s", text);
    }
    ck_assert_int_eq(my->describe(C, &none, &text, NULL), MIGRATE_OK);
    ck_assert_ptr_null(text);
}
END_TEST

void add_prove(Suite *s)
{
    TCase *t = new_case(s, "prove", connect_setup, connect_teardown);
    tcase_set_timeout(t, 300);
    tcase_add_test(t, test_sees_changes);
    tcase_add_test(t, test_short_is_same);
    tcase_add_test(t, test_ignores_data);
    tcase_add_test(t, test_sees_partitions);
    tcase_add_test(t, test_same_under_modes);
    tcase_add_test(t, test_other_kinds);
    tcase_add_test(t, test_letter_case);
    tcase_add_test(t, test_identity);
    tcase_add_test(t, test_kept_definitions);
    tcase_add_test(t, test_all_or_nothing);
    tcase_add_test(t, test_says_it_cannot);
    tcase_add_test(t, test_privileges);
    tcase_add_test(t, test_describe);
}
