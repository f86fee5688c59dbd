/* SPDX-License-Identifier: Apache-2.0 */

/* Facts: info(). */

#include "probe.h"

#include <string.h>

struct info_space {
    migrate_info info;
    unsigned char behind[CF_CANARY];
};

static migrate_status get(struct mig_cf_conn *c, migrate_info *info)
{
    migrate_error *err = NULL;
    mig_cf_enter(&c->host);
    migrate_status status = c->db->driver->info(c->conn, info, &err);
    mig_cf_watch(c, "info()", status, err);
    if (status != MIGRATE_OK) {
        mig_cf_fail(c->db->suite, "info(): %s", migrate_error_message(err));
    }
    return status;
}

static bool says(const char *text)
{
    return text && *text;
}

static void info_facts(struct mig_cf_db *db)
{
    migrate_info info = { .struct_size = sizeof(info) };
    if (get(&db->a, &info) != MIGRATE_OK) {
        return;
    }
    CF_CHECK(db->suite, says(info.product), "product is empty");
    CF_CHECK(db->suite, says(info.flavour), "flavour is empty");
    CF_CHECK(db->suite, says(info.version_text), "version_text is empty");
    CF_CHECK(db->suite, info.version >= 100, "version %u is not major*10000 + minor*100 + patch",
             info.version);
    CF_CHECK(db->suite, says(info.address), "address is empty");
    CF_CHECK(db->suite, info.flags < (MIGRATE_INFO_TLS << 1), "flags that do not exist: %llx",
             (unsigned long long)info.flags);
    CF_CHECK(db->suite, !(info.lex >> 4), "lexical switches that do not exist: %x", info.lex);
    CF_CHECK(db->suite, !*db->password || !strstr(info.address, db->password), "address holds the password");
}

static void info_again(struct mig_cf_db *db)
{
    migrate_info one = { .struct_size = sizeof(one) }, two = { .struct_size = sizeof(two) };
    if (get(&db->a, &one) != MIGRATE_OK || get(&db->a, &two) != MIGRATE_OK) {
        return;
    }
    CF_CHECK(db->suite, one.caps == two.caps && one.version == two.version && one.flags == two.flags,
             "two calls tell different facts");
}

/* Whatever the caller's struct cannot hold stays untouched, whatever it holds beyond ours too. */
static void info_sizes(struct mig_cf_db *db)
{
    static const size_t sizes[] = {
        offsetof(migrate_info, flags),   offsetof(migrate_info, version),
        offsetof(migrate_info, product), offsetof(migrate_info, version_text),
        offsetof(migrate_info, address), sizeof(migrate_info),
        sizeof(migrate_info) + 16,
    };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct info_space space;
        size_t size = sizes[i];
        mig_cf_poison(&space, sizeof(space));
        memset(&space, 0, size < sizeof(migrate_info) ? size : sizeof(migrate_info));
        space.info.struct_size = size;
        if (get(&db->a, &space.info) != MIGRATE_OK) {
            return;
        }
        size_t kept = size < sizeof(migrate_info) ? size : sizeof(migrate_info);
        CF_CHECK(db->suite, mig_cf_poisoned((char *)&space + kept, sizeof(space) - kept),
                 "with struct_size %zu bytes behind the struct were written", size);
        CF_CHECK(db->suite, space.info.struct_size == size, "struct_size was changed");
        CF_CHECK(db->suite, space.info.caps == db->caps, "with struct_size %zu the capabilities are missing",
                 size);
    }
}

static void info_leaves_nothing_open(struct mig_cf_db *db)
{
    migrate_info info = { .struct_size = sizeof(info) };
    if (get(&db->a, &info) != MIGRATE_OK || !mig_cf_must(&db->a, "SELECT 1")) {
        return;
    }
    CF_CHECK(db->suite, db->a.last.r.tx == MIGRATE_TX_NONE,
             "after info() the transaction state is %u, not NONE", db->a.last.r.tx);
}

const struct mig_cf_case mig_cf_info_cases[] = {
    { .name = "driver/info/facts", .body = info_facts, .member = CF_MEMBER(info) },
    { .name = "driver/info/again", .body = info_again, .member = CF_MEMBER(info) },
    { .name = "driver/info/struct-size", .body = info_sizes, .member = CF_MEMBER(info) },
    { .name = "driver/info/leaves-nothing-open",
      .body = info_leaves_nothing_open,
      .member = CF_MEMBER(info) },
};
CF_CASES(info);
