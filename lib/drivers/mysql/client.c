/* SPDX-License-Identifier: Apache-2.0 */

/* The client library's habits: MariaDB's Connector/C and Oracle's libmysqlclient share an API, but not the names
 * of options, not the defaults of TLS, and not what they know of a server. */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/mysql/link_state.h"
#include "util/mem.h"

#ifdef MARIADB_PACKAGE_VERSION_ID
#  define CONNECTOR_C 1
typedef my_bool flag;
#else
#  define CONNECTOR_C 0
typedef bool flag;
#endif

enum { PACKET_MAX = 1024 * 1024 * 1024, CAP_MYSQL = 1 };

/* ---- set-up -------------------------------------------------------------------- */

/* Both libraries ignore SIGPIPE for the whole process. That is the application's to decide: workers have it
 * blocked, which is enough. */
static void init_library(void)
{
    struct sigaction before;
    bool kept = sigaction(SIGPIPE, NULL, &before) == 0;
    (void)mysql_library_init(0, NULL, NULL);
    if (kept)
        (void)sigaction(SIGPIPE, &before, NULL);
}

bool mig_my_client_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    return pthread_once(&once, init_library) == 0;
}

/* ---- LOAD DATA LOCAL: refused, whatever the server or ~/.my.cnf says ------------------ */

static int infile_init(void **state, const char *name, void *user)
{
    (void)name, (void)user;
    *state = NULL;
    return 1;
}

static int infile_read(void *state, char *buf, unsigned int len)
{
    (void)state, (void)buf, (void)len;
    return -1;
}

static void infile_end(void *state)
{
    (void)state;
}

static int infile_error(void *state, char *text, unsigned int len)
{
    (void)state;
    snprintf(text, len, "%s", "LOAD DATA LOCAL is off: the server could ask for any file of this machine");
    return 2068; /* both libraries' number for it */
}

/* ---- TLS ------------------------------------------------------------------------- */

/* libmysqlclient verifies only against what it is given; Connector/C asks OpenSSL's defaults by itself. */
static const char *system_ca(void)
{
    static const char *const known[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                         "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem" };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (access(known[i], R_OK) == 0)
            return known[i];
    }
    return NULL;
}

#if CONNECTOR_C
/* Connector/C has no "chain only": VERIFY_CA checks the name as well. */
static void set_tls(MYSQL *m, const struct mig_my_login *in)
{
    flag enforce = in->tls >= MIG_MY_TLS_REQUIRED, verify = in->tls >= MIG_MY_TLS_VERIFY_CA;
    const char *ca = in->ssl_ca || in->ssl_capath || !verify ? in->ssl_ca : system_ca();
    if (in->tls != MIG_MY_TLS_DISABLED)
        mysql_ssl_set(m, in->ssl_key, in->ssl_cert, ca, in->ssl_capath, in->ssl_cipher);
    mysql_options(m, MYSQL_OPT_SSL_ENFORCE, &enforce);
    mysql_options(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
    /* "If the server can", for which there is no option; the one to enforce it takes it back. */
    m->options.use_ssl = in->tls != MIG_MY_TLS_DISABLED;
    if (in->tls_version)
        mysql_options(m, MARIADB_OPT_TLS_VERSION, in->tls_version);
}

/* Only a token may go in clear text, which is a plug-in that Connector/C otherwise loads on request. */
static void set_auth(MYSQL *m, const struct mig_my_login *in)
{
    if (in->public_key)
        mysql_options(m, MYSQL_SERVER_PUBLIC_KEY, in->public_key);
#if MARIADB_PACKAGE_VERSION_ID >= 30300
    if (!in->token)
        mysql_options(m, MARIADB_OPT_RESTRICTED_AUTH,
                      "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519,parsec,"
                      "auth_gssapi_client,mysql_old_password");
#endif
}
#else
static void set_tls(MYSQL *m, const struct mig_my_login *in)
{
    static const unsigned modes[] = { SSL_MODE_DISABLED, SSL_MODE_PREFERRED, SSL_MODE_REQUIRED, SSL_MODE_VERIFY_CA,
                                      SSL_MODE_VERIFY_IDENTITY };
    bool verify = in->tls >= MIG_MY_TLS_VERIFY_CA;
    const char *ca = in->ssl_ca || in->ssl_capath || !verify ? in->ssl_ca : system_ca();
    const struct { enum mysql_option option; const char *value; } texts[] = {
        { MYSQL_OPT_SSL_CA, ca },
        { MYSQL_OPT_SSL_CAPATH, in->ssl_capath },
        { MYSQL_OPT_SSL_CERT, in->ssl_cert },
        { MYSQL_OPT_SSL_KEY, in->ssl_key },
        { MYSQL_OPT_SSL_CIPHER, in->ssl_cipher },
        { MYSQL_OPT_TLS_VERSION, in->tls_version },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].value && in->tls != MIG_MY_TLS_DISABLED)
            mysql_options(m, texts[i].option, texts[i].value);
    }
    mysql_options(m, MYSQL_OPT_SSL_MODE, &modes[in->tls]);
}

static void set_auth(MYSQL *m, const struct mig_my_login *in)
{
    flag clear = in->token, get_key = in->get_public_key;
    mysql_options(m, MYSQL_ENABLE_CLEARTEXT_PLUGIN, &clear);
    mysql_options(m, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &get_key);
    if (in->public_key)
        mysql_options(m, MYSQL_SERVER_PUBLIC_KEY, in->public_key);
}
#endif

/* ---- the handle --------------------------------------------------------------------- */

MYSQL *mig_my_client_prepare(const struct mig_my_login *in)
{
    MYSQL *m = mysql_init(NULL);
    if (!m)
        return NULL;
    unsigned seconds = in->connect_seconds ? in->connect_seconds : 10, off = 0;
    unsigned long packet = PACKET_MAX;
    unsigned tcp = MYSQL_PROTOCOL_TCP;
    mysql_options(m, MYSQL_READ_DEFAULT_GROUP, "migrate");
    mysql_options(m, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(m, MYSQL_OPT_LOCAL_INFILE, &off);
    mysql_set_local_infile_handler(m, infile_init, infile_read, infile_end, infile_error, NULL);
    mysql_options(m, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
    mysql_options(m, MYSQL_SET_CHARSET_NAME, in->charset ? in->charset : "utf8mb4");
    mysql_options4(m, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", in->program ? in->program : "libmigrate");
    if (in->force_tcp)
        mysql_options(m, MYSQL_OPT_PROTOCOL, &tcp);
    if (in->plugin_dir)
        mysql_options(m, MYSQL_PLUGIN_DIR, in->plugin_dir);
    if (in->compress)
        mysql_options(m, MYSQL_OPT_COMPRESS, NULL);
    set_tls(m, in);
    set_auth(m, in);
    return m;
}

int mig_my_client_socket(MYSQL *mysql)
{
#if CONNECTOR_C
    return (int)mysql_get_socket(mysql);
#else
    return (int)mysql->net.fd;
#endif
}

/* "5.5.5-10.11.19-MariaDB" is 10.11.19: the prefix is for old replicas. */
static uint32_t parse_version(const char *text)
{
    if (strncmp(text, "5.5.5-", 6) == 0)
        text += 6;
    uint32_t parts[3] = { 0, 0, 0 };
    for (size_t i = 0; i < 3; i++) {
        char *end;
        parts[i] = (uint32_t)strtoul(text, &end, 10);
        if (end == text || *end != '.')
            break;
        text = end + 1;
    }
    return parts[0] * 10000 + (parts[1] > 99 ? 99 : parts[1]) * 100 + (parts[2] > 99 ? 99 : parts[2]);
}

/* MariaDB leaves the first capability bit out on purpose; what stands between us and it may not, so its name
 * counts as well. */
static bool is_mariadb(const MYSQL *mysql, const char *version)
{
    if (strstr(version, "MariaDB") || strstr(version, "-maria"))
        return true;
    return (mysql->server_capabilities & CAP_MYSQL) == 0 && parse_version(version) >= 100000;
}

static void describe_address(const MYSQL *mysql, char *out, size_t size)
{
    const char *host = mysql->host ? mysql->host : "localhost";
    if (mysql->unix_socket && *mysql->unix_socket)
        snprintf(out, size, "%s", mysql->unix_socket);
    else if (strchr(host, ':'))
        snprintf(out, size, "[%s]:%u", host, mysql->port);
    else
        snprintf(out, size, "%s:%u", host, mysql->port);
}

void mig_my_client_describe(MYSQL *mysql, const struct mig_my_login *in, struct mig_my_server *out)
{
    const char *version = mysql_get_server_info(mysql);
    if (!version)
        version = "";
    snprintf(out->text, sizeof out->text, "%s", strncmp(version, "5.5.5-", 6) == 0 ? version + 6 : version);
    out->thread_id = mysql_thread_id(mysql);
    out->version = parse_version(version);
    out->mariadb = is_mariadb(mysql, version);
    out->ansi_known = out->mariadb;
    out->status = mysql->server_status;
    const char *cipher = mysql_get_ssl_cipher(mysql);
    out->tls = cipher && *cipher;
    out->verified = out->tls && in->tls >= MIG_MY_TLS_VERIFY_CA;
    /* Oracle's library asks for a collation that MariaDB does not know, and MariaDB then takes its default. */
    out->names_sent = CONNECTOR_C || !out->mariadb;
    describe_address(mysql, out->address, sizeof out->address);
}
