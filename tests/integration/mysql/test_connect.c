/* SPDX-License-Identifier: Apache-2.0 */

/* Connecting: URLs, log-ins, TLS, and what fails at once. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_server.h"
#include "tests.h"

static const char *port(void)
{
    return getenv("MYSQL_PORT");
}

/* "mysql://USER@127.0.0.1:PORT/t_driver?QUERY" */
static const char *url_of(const char *user, const char *host, const char *query)
{
    static char text[2000];
    snprintf(text, sizeof text, "mysql://%s%s%s:%s/t_driver%s%s", user ? user : "", user ? "@" : "", host, port(), *query ? "?" : "",
             query);
    return text;
}

static migrate_status try_open(struct test_host *h, const char *url, void **conn)
{
    *conn = NULL;
    return my->open(&h->host, url, conn, NULL);
}

static void refuses(const char *url, migrate_status status, const char *hint)
{
    struct test_host h;
    void *conn;
    host_init(&h);
    migrate_status got = try_open(&h, url, &conn);
    ck_assert_msg(got == status, "%s: %d %s", url, got, h.message);
    ck_assert_ptr_null(conn);
    ck_assert_msg(strstr(h.hint, hint) != NULL, "%s: hint: %s", url, h.hint);
    ck_assert_msg(!strstr(h.message, "s3cret") && !strstr(h.hint, "s3cret"), "the password is shown: %s", h.message);
    host_free(&h);
}

START_TEST(test_bad_urls)
{
    refuses("mysql://root:s3cret@tcp(127.0.0.1:3306)/x", MIGRATE_E_URL, "mysql://USER:PASSWORD@HOST:PORT/DATABASE");
    refuses("mysql://root:s3cret@unix(/tmp/x.sock)/x", MIGRATE_E_URL, "socket=");
    refuses("mysql://root:s3c@ret@127.0.0.1/x", MIGRATE_E_URL, "%40");
    refuses("mysql://root:s3cret%zz@127.0.0.1/x", MIGRATE_E_URL, "%25");
    refuses("mysql://root:s3cret@127.0.0.1:99999/x", MIGRATE_E_URL, "");
    refuses("mysql://root:s3cret@127.0.0.1/x?parseTime=true", MIGRATE_E_URL, "ssl-mode");
    refuses("mysql://root:s3cret@127.0.0.1/x?ssl-mode=SOMETIMES", MIGRATE_E_OPTION, "VERIFY_IDENTITY");
    refuses("mysql://root:s3cret@127.0.0.1/x?connect-timeout=soon", MIGRATE_E_OPTION, "seconds");
    refuses("mysql://root:s3cret@127.0.0.1/x?charset=gbk", MIGRATE_E_OPTION, "UTF-8");
    refuses("mysql://root:s3cret@127.0.0.1/x/y", MIGRATE_E_URL, "%2F");
    refuses("mysql://root:s3cret@h1,h2/x", MIGRATE_E_URL, "endpoint");
}
END_TEST

START_TEST(test_refused)
{
    struct fake f;
    char url[300];
    int64_t t0 = now_ms();
    refuses("mysql://root:s3cret@127.0.0.1:1/x", MIGRATE_E_CONNECT, "");
    refuses("mysql://root:s3cret@no-such-host.invalid/x", MIGRATE_E_CONNECT, "");
    refuses(url_of("root:s3cret", "127.0.0.1", ""), MIGRATE_E_AUTH, "user name and password");
    snprintf(url, sizeof url, "mysql://root@127.0.0.1:%s/no_such_db", port());
    refuses(url, MIGRATE_E_NO_DATABASE, "CREATE DATABASE");
    fake_start(&f, FAKE_CLOSES);
    snprintf(url, sizeof url, "mysql://root:s3cret@127.0.0.1:%d/x", f.port);
    refuses(url, MIGRATE_E_UNAVAILABLE, "");
    fake_stop(&f);
    ck_assert_int_lt(now_ms() - t0, 8000);
}
END_TEST

START_TEST(test_silent_server)
{
    struct fake f;
    struct test_host h;
    char url[300];
    void *conn;
    fake_start(&f, FAKE_SILENT);
    snprintf(url, sizeof url, "mysql://root:s3cret@127.0.0.1:%d/x?connect-timeout=1", f.port);
    int64_t t0 = now_ms();
    refuses(url, MIGRATE_E_CONNECT, "");
    ck_assert_int_lt(now_ms() - t0, 3000);
    fake_stop(&f);
    /* asked to stop in the meantime */
    fake_start(&f, FAKE_SILENT);
    snprintf(url, sizeof url, "mysql://root:s3cret@127.0.0.1:%d/x", f.port);
    host_init(&h);
    h.stop = MIGRATE_E_CANCELLED;
    h.stop_at_tick = 2;
    t0 = now_ms();
    ck_assert_int_eq(try_open(&h, url, &conn), MIGRATE_E_CANCELLED);
    ck_assert_int_lt(now_ms() - t0, 2000);
    host_free(&h);
    fake_stop(&f);
}
END_TEST

START_TEST(test_odd_names)
{
    must(C, "DROP USER IF EXISTS 'we@ird/us:er'");
    must(C, "CREATE USER 'we@ird/us:er' IDENTIFIED BY 'p@s:s/w?rd#%é'");
    must(C, "GRANT ALL ON t_driver.* TO 'we@ird/us:er'");
    struct test_host h;
    host_init(&h);
    void *conn = open_url(&h, url_of("we%40ird%2Fus%3Aer:p%40s%3As%2Fw%3Frd%23%25%C3%A9", "127.0.0.1", ""));
    ck_assert_str_eq(value(conn, "SELECT SUBSTRING_INDEX(CURRENT_USER(),'@%',1)"), "we@ird/us:er");
    my->close(conn);
    host_free(&h);
    must(C, "DROP USER 'we@ird/us:er'");
}
END_TEST

START_TEST(test_credentials)
{
    struct test_host h;
    void *conn;
    must(C, "DROP USER IF EXISTS asked");
    must(C, "CREATE USER asked IDENTIFIED BY 'rotated'");
    must(C, "GRANT ALL ON t_driver.* TO asked");
    must(C, "CREATE DATABASE IF NOT EXISTS t_driver");
    host_init(&h);
    h.cred.user = "asked";
    h.cred.password = "wrong";
    ck_assert_int_eq(try_open(&h, url_of("root", "127.0.0.1", ""), &conn), MIGRATE_E_AUTH);
    ck_assert_uint_eq(h.klass, MIGRATE_FAULT_AUTH);
    ck_assert_uint_eq(h.asked, 1);
    ck_assert_uint_eq(h.released, 1);
    h.cred.password = "rotated";
    h.cred.host = "127.0.0.1";
    h.cred.port = (uint32_t)atoi(port());
    h.cred.database = "t_driver";
    conn = open_url(&h, "mysql://nobody:nothing@no-such-host.invalid:1/none");
    ck_assert_str_eq(value(conn, "SELECT SUBSTRING_INDEX(CURRENT_USER(),'@',1)"), "asked");
    ck_assert_str_eq(value(conn, "SELECT DATABASE()"), "t_driver");
    ck_assert_uint_eq(h.asked, h.released);
    my->close(conn);
    host_free(&h);
    must(C, "DROP USER asked");
}
END_TEST

START_TEST(test_role)
{
    struct test_host h;
    must(C, "DROP USER IF EXISTS actor");
    must(C, "DROP ROLE IF EXISTS `part-1`");
    must(C, "CREATE ROLE `part-1`");
    must(C, "GRANT ALL ON t_driver.* TO `part-1`");
    must(C, "CREATE USER actor IDENTIFIED BY 'x'");
    must(C, "GRANT `part-1` TO actor");
    host_init(&h);
    h.cred.user = "actor";
    h.cred.password = "x";
    h.cred.role = "part-1";
    void *conn = NULL;
    char url[300];
    snprintf(url, sizeof url, "mysql://127.0.0.1:%s", port());
    ck_assert_int_eq(try_open(&h, url, &conn), MIGRATE_OK);
    ck_assert_ptr_nonnull(strstr(value(conn, "SELECT CURRENT_ROLE()"), "part-1"));
    my->close(conn);
    host_free(&h);
    must(C, "DROP USER actor");
    must(C, "DROP ROLE `part-1`");
}
END_TEST

/* ~/.my.cnf goes on working: groups client and migrate. */
START_TEST(test_my_cnf)
{
    char path[500];
    struct test_host h;
    must(C, "DROP USER IF EXISTS kept");
    must(C, "CREATE USER kept IDENTIFIED BY 'in-file'");
    must(C, "GRANT ALL ON t_driver.* TO kept");
    snprintf(path, sizeof path, "%s/.my.cnf", getenv("HOME"));
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "[client]\nuser=kept\nlocal-infile=1\n[migrate]\npassword=in-file\n");
    fclose(f);
    host_init(&h);
    void *conn = open_url(&h, url_of(NULL, "127.0.0.1", ""));
    ck_assert_str_eq(value(conn, "SELECT SUBSTRING_INDEX(CURRENT_USER(),'@',1)"), "kept");
    migrate_result r = { .struct_size = sizeof r };
    must(conn, "CREATE TABLE l (a text)");
    ck_assert_int_ne(run(conn, "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE l", &r), MIGRATE_OK);
    my->close(conn);
    ck_assert_str_eq(value(C, "SELECT COUNT(*) FROM l"), "0");
    host_free(&h);
    unlink(path);
    must(C, "DROP USER kept");
}
END_TEST

START_TEST(test_socket)
{
    char url[700], path[500], *at = path;
    struct test_host h;
    snprintf(path, sizeof path, "%s/sock", getenv("MYSQL_DIR"));
    int n = snprintf(url, sizeof url, "mysql://root@localhost/t_driver?socket=");
    for (; *at; at++)
        n += snprintf(url + n, sizeof url - (size_t)n, *at == '/' ? "%%2F" : "%c", *at);
    host_init(&h);
    void *conn = open_url(&h, url);
    migrate_info info = { .struct_size = sizeof info };
    ck_assert_int_eq(my->info(conn, &info, NULL), MIGRATE_OK);
    ck_assert_str_eq(info.address, path);
    my->close(conn);
    /* a port that is named is meant */
    conn = open_url(&h, url_of("root", "localhost", ""));
    ck_assert_int_eq(my->info(conn, &info, NULL), MIGRATE_OK);
    ck_assert_ptr_nonnull(strstr(info.address, port()));
    my->close(conn);
    host_free(&h);
}
END_TEST

/* ---- what a false server might want --------------------------------------------------------- */

START_TEST(test_no_clear_text)
{
    struct fake f;
    struct test_host h;
    char url[300];
    void *conn;
    fake_start(&f, FAKE_CLEAR_TEXT);
    snprintf(url, sizeof url, "mysql://root:s3cret@127.0.0.1:%d/x", f.port);
    host_init(&h);
    ck_assert_int_ne(try_open(&h, url, &conn), MIGRATE_OK);
    fake_stop(&f);
    ck_assert_msg(!memmem(f.heard, f.heard_len, "s3cret", 6), "the password went over the wire in clear text");
    host_free(&h);
}
END_TEST

START_TEST(test_no_infile)
{
    struct fake f;
    struct test_host h;
    char url[300];
    void *conn;
    migrate_result r = { .struct_size = sizeof r };
    fake_start(&f, FAKE_INFILE);
    snprintf(url, sizeof url, "mysql://root:s3cret@127.0.0.1:%d/x", f.port);
    host_init(&h);
    ck_assert_msg(try_open(&h, url, &conn) == MIGRATE_OK, "%s", h.message);
    h.stop = MIGRATE_E_CANCELLED;
    h.stop_at_tick = h.ticks + 3;
    ck_assert_int_ne(run_ours(conn, "SELECT 1", &r), MIGRATE_OK);
    my->close(conn);
    fake_stop(&f);
    ck_assert_msg(!memmem(f.heard, f.heard_len, "root:", 5), "a file of this machine was sent");
    host_free(&h);
}
END_TEST

/* ---- TLS -------------------------------------------------------------------------------------- */

static const char *tls_file(const char *name)
{
    static char path[4][500];
    static unsigned turn;
    char *p = path[turn++ % 4];
    snprintf(p, 500, "%s/tls/%s", getenv("MYSQL_SCRATCH"), name);
    return p;
}

static bool has_tls(void)
{
    return getenv("MYSQL_SCRATCH") && access(tls_file("ca.pem"), R_OK) == 0;
}

static const char *cipher(void *conn)
{
    static char text[100];
    text[0] = '\0';
    snprintf(text, sizeof text, "%s",
             value(conn, is_mariadb() ? "SELECT variable_value FROM information_schema.session_status WHERE variable_name='Ssl_cipher'"
                                      : "SELECT variable_value FROM performance_schema.session_status WHERE "
                                        "variable_name='Ssl_cipher'"));
    return text;
}

static void tls_connects(const char *host, const char *query, bool encrypted, bool verified)
{
    struct test_host h;
    host_init(&h);
    void *conn = open_url(&h, url_of("root", host, query));
    migrate_info info = { .struct_size = sizeof info };
    ck_assert_int_eq(my->info(conn, &info, NULL), MIGRATE_OK);
    ck_assert_msg(encrypted == (*cipher(conn) != '\0'), "%s: %s", query, cipher(conn));
    ck_assert_msg(verified == ((info.flags & MIGRATE_INFO_TLS) != 0), "%s", query);
    my->close(conn);
    host_free(&h);
}

START_TEST(test_tls_modes)
{
    char query[800];
    if (!has_tls())
        return;
    tls_connects("127.0.0.1", "ssl-mode=DISABLED", false, false);
    tls_connects("127.0.0.1", "", true, false);
    tls_connects("127.0.0.1", "ssl-mode=required", true, false);
    snprintf(query, sizeof query, "ssl-ca=%s", tls_file("ca.pem"));
    tls_connects("127.0.0.1", query, true, true);
    snprintf(query, sizeof query, "ssl-mode=VERIFY_CA&ssl-ca=%s", tls_file("ca.pem"));
    tls_connects("127.0.0.1", query, true, true);
    snprintf(query, sizeof query, "ssl-mode=VERIFY_IDENTITY&ssl-ca=%s", tls_file("other-ca.pem"));
    refuses(url_of("root", "127.0.0.1", query), MIGRATE_E_CONNECT, "ssl-ca");
    snprintf(query, sizeof query, "ssl-mode=VERIFY_IDENTITY&ssl-ca=%s", tls_file("ca.pem"));
    refuses(url_of("root", "localhost", query), MIGRATE_E_CONNECT, "host name");
    refuses(url_of("root", "127.0.0.1", "ssl-mode=VERIFY_IDENTITY"), MIGRATE_E_CONNECT, "ssl-ca");
}
END_TEST

START_TEST(test_client_certificate)
{
    char query[1500];
    struct test_host h;
    if (!has_tls())
        return;
    must(C, "DROP USER IF EXISTS carded");
    must(C, "CREATE USER carded IDENTIFIED BY 'x' REQUIRE X509");
    must(C, "GRANT ALL ON t_driver.* TO carded");
    refuses(url_of("carded:x", "127.0.0.1", "ssl-mode=REQUIRED"), MIGRATE_E_AUTH, "");
    snprintf(query, sizeof query, "ssl-ca=%s&ssl-cert=%s&ssl-key=%s", tls_file("ca.pem"), tls_file("client.pem"),
             tls_file("client.key"));
    host_init(&h);
    void *conn = open_url(&h, url_of("carded:x", "127.0.0.1", query));
    must(conn, "SELECT 1");
    my->close(conn);
    host_free(&h);
    must(C, "DROP USER carded");
}
END_TEST

START_TEST(test_token)
{
    char query[800];
    struct test_host h;
    void *conn;
    host_init(&h);
    h.cred.flags = 1;
    h.cred.password = "";
    ck_assert_int_eq(try_open(&h, url_of("root", "127.0.0.1", "ssl-mode=REQUIRED"), &conn), MIGRATE_E_OPTION);
    ck_assert_ptr_nonnull(strstr(h.hint, "VERIFY_IDENTITY"));
    /* nothing said: verified all the same */
    ck_assert_int_eq(try_open(&h, url_of("root", "127.0.0.1", ""), &conn), MIGRATE_E_CONNECT);
    if (has_tls()) {
        snprintf(query, sizeof query, "ssl-ca=%s", tls_file("ca.pem"));
        conn = open_url(&h, url_of("root", "127.0.0.1", query));
        my->close(conn);
    }
    host_free(&h);
}
END_TEST

/* MySQL's own way to log in, with TLS, with the server's key, and from its cache. */
START_TEST(test_caching_sha2)
{
    static const char *const ways[] = { "ssl-mode=REQUIRED", "ssl-mode=DISABLED", "ssl-mode=DISABLED&get-server-public-key=true", "" };
    if (is_mariadb())
        return;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        must(C, "DROP USER IF EXISTS sha");
        must(C, "CREATE USER sha IDENTIFIED WITH caching_sha2_password BY 'p w'");
        must(C, "GRANT ALL ON t_driver.* TO sha");
        for (int again = 0; again < 2; again++) {
            struct test_host h;
            host_init(&h);
            void *conn = open_url(&h, url_of("sha:p%20w", "127.0.0.1", ways[i]));
            must(conn, "SELECT 1");
            my->close(conn);
            host_free(&h);
        }
    }
    must(C, "DROP USER sha");
}
END_TEST

START_TEST(test_charset)
{
    struct test_host h;
    host_init(&h);
    void *conn = open_url(&h, url_of("root", "127.0.0.1", ""));
    ck_assert_str_eq(value(conn, "SELECT CONCAT(@@character_set_client,@@character_set_connection,@@character_set_results)"),
                     "utf8mb4utf8mb4utf8mb4");
    ck_assert_str_eq(value(conn, "SELECT HEX('é😀')"), "C3A9F09F9880");
    my->close(conn);
    host_free(&h);
}
END_TEST

void add_connect(Suite *s)
{
    TCase *t = new_case(s, "connect", connect_setup, connect_teardown);
    tcase_add_test(t, test_bad_urls);
    tcase_add_test(t, test_refused);
    tcase_add_test(t, test_silent_server);
    tcase_add_test(t, test_odd_names);
    tcase_add_test(t, test_credentials);
    tcase_add_test(t, test_role);
    tcase_add_test(t, test_my_cnf);
    tcase_add_test(t, test_socket);
    tcase_add_test(t, test_no_clear_text);
    tcase_add_test(t, test_no_infile);
    tcase_add_test(t, test_tls_modes);
    tcase_add_test(t, test_client_certificate);
    tcase_add_test(t, test_token);
    tcase_add_test(t, test_caching_sha2);
    tcase_add_test(t, test_charset);
}
