/* SPDX-License-Identifier: Apache-2.0 */

/* Opening connections: URLs, options, credentials, and everything that can be wrong with them. */

#include "tests.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct test_host h;

static void setup(void)
{
    host_init(&h);
}

static void teardown(void)
{
    host_free(&h);
}

static void fails(const char *url, migrate_status status)
{
    void *conn = NULL;
    migrate_status got = pg->open(&h.host, url, &conn, NULL);
    ck_assert_msg(got == status, "%s: %d, not %d: %s", url, got, status, h.message);
    ck_assert_ptr_null(conn);
    ck_assert_ptr_null(strstr(h.message, "s3cret"));
    ck_assert_ptr_null(strstr(h.hint, "s3cret"));
}

START_TEST(bad_urls)
{
    fails("postgres://u:s3cret@x@127.0.0.1:1/d", MIGRATE_E_URL);
    ck_assert_ptr_nonnull(strstr(h.hint, "%40"));
    fails("postgres://u:s3cret%zz@127.0.0.1/d", MIGRATE_E_URL);
    fails("postgres://u:s3cret@127.0.0.1/d?nosuch=1", MIGRATE_E_URL);
    ck_assert_ptr_nonnull(strstr(h.message, "\"nosuch\""));
    fails("postgres://u:s3cret@127.0.0.1:port/d", MIGRATE_E_URL);
    fails("postgres://u:s3cret@127.0.0.1:5432,h2:70000/d", MIGRATE_E_URL);
    fails("postgres://u:s3cret@[::1/d", MIGRATE_E_URL);
}
END_TEST

START_TEST(refused)
{
    fails("postgres://u:s3cret@127.0.0.1:1/d", MIGRATE_E_CONNECT);
    ck_assert_ptr_nonnull(strstr(h.message, "refused"));
    fails("postgres://u:s3cret@nosuch.invalid/d", MIGRATE_E_CONNECT);
    ck_assert_ptr_nonnull(strstr(h.message, "nosuch.invalid"));
    fails(pg_url("sslmode=require"), MIGRATE_E_CONNECT);
    ck_assert_ptr_nonnull(strstr(h.message, "SSL"));
    fails("postgres://u@/d?host=/nosuch", MIGRATE_E_CONNECT);
}
END_TEST

START_TEST(refused_by_the_server)
{
    char url[256];
    snprintf(url, sizeof url, "postgres://postgres@127.0.0.1:%s/nosuch", getenv("PG_PORT"));
    fails(url, MIGRATE_E_NO_DATABASE);
    ck_assert_str_eq(h.sqlstate, "3D000");
    ck_assert_ptr_nonnull(strstr(h.message, "FATAL:  database \"nosuch\" does not exist"));
    ck_assert_ptr_null(strstr(h.message, "LOCATION"));
    snprintf(url, sizeof url, "postgres://nobody:s3cret@127.0.0.1:%s/postgres", getenv("PG_PORT"));
    fails(url, MIGRATE_E_AUTH);
    ck_assert_str_eq(h.sqlstate, "28000");
    ck_assert_ptr_nonnull(strstr(h.message, "\"nobody\""));
    fails(pg_url("target_session_attrs=standby"), MIGRATE_E_CONNECT);
}
END_TEST

/* A host that takes connections and never says a word. */
static int silent_host(char port[8])
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    getsockname(fd, (struct sockaddr *)&at, &len);
    snprintf(port, 8, "%u", ntohs(at.sin_port));
    return fd;
}

START_TEST(silent)
{
    char port[8], url[256];
    int fd = silent_host(port);
    host_option(&h, "connect_timeout", "300ms");
    snprintf(url, sizeof url, "postgres://u@127.0.0.1:%s/d", port);
    fails(url, MIGRATE_E_CONNECT);
    ck_assert_ptr_nonnull(strstr(h.message, "no answer"));
    /* the next host is tried */
    h.options[1] = "4s"; /* enough for a server that does answer */
    snprintf(url, sizeof url, "postgres://postgres@127.0.0.1:%s,127.0.0.1:1,127.0.0.1:%s/postgres", port,
             getenv("PG_PORT"));
    void *conn = open_url(&h, url);
    must(conn, "SELECT 1");
    pg->close(conn);
    h.stop = MIGRATE_E_STOPPED;
    h.stop_at_tick = h.ticks + 1;
    snprintf(url, sizeof url, "postgres://u@127.0.0.1:%s/d?connect_timeout=20", port);
    fails(url, MIGRATE_E_STOPPED);
    close(fd);
}
END_TEST

START_TEST(settings)
{
    host_option(&h, "lock_timeout", "2s");
    host_option(&h, "statement_timeout", "90s");
    host_option(&h, "client", "my app");
    host_option(&h, "search_path", "\"a b\", public");
    host_option(&h, "role", "pg_monitor");
    void *conn = open_url(&h, pg_url("options=-c%20work_mem%3D7MB"));
    ck_assert_str_eq(value(conn, "SHOW lock_timeout"), "2s");
    ck_assert_str_eq(value(conn, "SHOW statement_timeout"), "90s");
    ck_assert_str_eq(value(conn, "SHOW application_name"), "my app");
    ck_assert_str_eq(value(conn, "SHOW search_path"), "\"a b\", public");
    ck_assert_str_eq(value(conn, "SHOW work_mem"), "7MB");
    ck_assert_str_eq(value(conn, "SHOW client_encoding"), "UTF8");
    ck_assert_str_eq(value(conn, "SELECT current_user"), "pg_monitor");
    must(conn, "SET lock_timeout = 0; SET ROLE postgres; RESET ALL; RESET ROLE");
    ck_assert_str_eq(value(conn, "SHOW lock_timeout"), "2s");
    ck_assert_str_eq(value(conn, "SELECT current_user"), "pg_monitor");
    pg->close(conn);
}
END_TEST

/* As they are set by option; the URL's have no prefix. */
START_TEST(settings_by_their_full_name)
{
    host_option(&h, "postgres.search_path", "pg_catalog");
    host_option(&h, "postgres.role", "pg_monitor");
    void *conn = open_url(&h, pg_url(NULL));
    ck_assert_str_eq(value(conn, "SHOW search_path"), "pg_catalog");
    ck_assert_str_eq(value(conn, "SELECT current_user"), "pg_monitor");
    pg->close(conn);
}
END_TEST

START_TEST(url_beats_our_defaults)
{
    host_option(&h, "client", "my app");
    void *conn = open_url(&h, pg_url("application_name=theirs"));
    ck_assert_str_eq(value(conn, "SHOW application_name"), "theirs");
    pg->close(conn);
    setenv("PGOPTIONS", "-c work_mem=9MB", 1);
    setenv("PGAPPNAME", "env", 1);
    conn = open_url(&h, pg_url(NULL));
    ck_assert_str_eq(value(conn, "SHOW work_mem"), "9MB");
    ck_assert_str_eq(value(conn, "SHOW application_name"), "env");
    pg->close(conn);
    unsetenv("PGOPTIONS");
    unsetenv("PGAPPNAME");
}
END_TEST

START_TEST(socket_and_hosts)
{
    char url[512];
    snprintf(url, sizeof url, "postgres:///postgres?host=%s&port=%s&user=postgres", getenv("PG_DIR"),
             getenv("PG_PORT"));
    void *conn = open_url(&h, url);
    ck_assert_str_eq(value(conn, "SELECT inet_client_addr()"), "");
    pg->close(conn);
    snprintf(url, sizeof url,
             "postgresql://postgres@127.0.0.1:1,127.0.0.1:%s/postgres?target_session_attrs=read-write",
             getenv("PG_PORT"));
    conn = open_url(&h, url);
    pg->close(conn);
}
END_TEST

START_TEST(service_and_passfile)
{
    char path[] = "/tmp/migrate-service-XXXXXX", text[256];
    int fd = mkstemp(path);
    int len = snprintf(text, sizeof text, "[mine]\nhost=127.0.0.1\nport=%s\nuser=postgres\ndbname=postgres\n",
                       getenv("PG_PORT"));
    ck_assert_int_eq(write(fd, text, (size_t)len), len);
    close(fd);
    setenv("PGSERVICEFILE", path, 1);
    void *conn = open_url(&h, "postgres://?service=mine");
    ck_assert_str_eq(value(conn, "SELECT current_database()"), "postgres");
    pg->close(conn);
    unlink(path);
}
END_TEST

START_TEST(credentials)
{
    h.cred = (migrate_credentials){ .user = "postgres", .password = "ignored", .role = "pg_monitor",
                                    .host = "127.0.0.1", .port = (uint32_t)atoi(getenv("PG_PORT")) };
    void *conn = open_url(&h, "postgres://other@nosuch.invalid:1/postgres");
    ck_assert_uint_eq(h.asked, 1);
    ck_assert_uint_eq(h.released, 1);
    ck_assert_str_eq(value(conn, "SELECT session_user || '/' || current_user"), "postgres/pg_monitor");
    pg->close(conn);
    h.cred = (migrate_credentials){ .password = "token", .flags = 1 };
    fails(pg_url(NULL), MIGRATE_E_CONNECT); /* this server has no TLS */
    fails(pg_url("sslmode=disable"), MIGRATE_E_OPTION);
    ck_assert_uint_eq(h.released, 3);
}
END_TEST

START_TEST(own_parameters_are_listed)
{
    bool role = false;
    for (const char *const *o = pg->options; *o; o++)
        role |= strcmp(*o, "role") == 0;
    ck_assert(role);
}
END_TEST

void add_connect(Suite *s)
{
    TCase *t = new_case(s, "connect", setup, teardown);
    tcase_add_test(t, bad_urls);
    tcase_add_test(t, refused);
    tcase_add_test(t, refused_by_the_server);
    tcase_add_test(t, silent);
    tcase_add_test(t, settings);
    tcase_add_test(t, settings_by_their_full_name);
    tcase_add_test(t, url_beats_our_defaults);
    tcase_add_test(t, socket_and_hosts);
    tcase_add_test(t, service_and_passfile);
    tcase_add_test(t, credentials);
    tcase_add_test(t, own_parameters_are_listed);
}
