/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <jansson.h>

#include "core/error.h"
#include "core/report.h"

static struct migrate_report *two_migrations(enum mig_report_kind kind)
{
    struct migrate_report *r = mig_report_new(kind, NULL);
    ck_assert_ptr_nonnull(r);
    r->database = "sqlite";
    r->server = "SQLite 3.40.1";
    r->state = MIGRATE_STATE_PENDING;
    r->version = "1";
    r->pending = 1;
    struct migrate_item *a = mig_report_add(r);
    a->version = "1";
    a->name = "a \"b\"";
    a->path = "1_a.sql";
    a->kind = MIGRATE_KIND_VERSIONED;
    a->state = MIGRATE_STATE_APPLIED;
    a->flags = MIGRATE_ITEM_TRANSACTION;
    a->has_checksum = 1;
    memset(a->checksum, 0xab, sizeof a->checksum);
    a->statements = a->done = 2;
    a->applied_at_ms = 1795563099120;
    a->elapsed_ms = 12;
    struct migrate_item *b = mig_report_add(r);
    b->version = "";
    b->name = "views";
    b->kind = MIGRATE_KIND_REPEATABLE;
    b->state = MIGRATE_STATE_PENDING;
    b->statements = UINT64_MAX;
    b->note = "never ran";
    return r;
}

#define HEX8 "abababababababab"
#define MIGRATIONS                                                                                           \
    "\"migrations\":[{\"version\":\"1\",\"name\":\"a "                                                       \
    "\\\"b\\\"\",\"kind\":\"V\",\"state\":\"applied\",\"path\":\"1_a.sql\","                                 \
    "\"checksum\":\"sha256:" HEX8 HEX8 HEX8 HEX8                                                             \
    "\",\"statements\":2,\"done\":2,\"transaction\":true,\"applied_at\":"                                    \
    "\"2026-11-24T23:31:39.120Z\",\"elapsed_ms\":12},{\"version\":\"\",\"name\":\"views\",\"kind\":\"R\","   \
    "\"state\":"                                                                                             \
    "\"pending\",\"path\":null,\"checksum\":null,\"statements\":null,\"done\":0,\"transaction\":false,"      \
    "\"applied_at\":null,"                                                                                   \
    "\"elapsed_ms\":0,\"note\":\"never ran\"}]"
#define HEAD                                                                                                 \
    "{\"schema\":1,\"database\":\"sqlite\",\"server\":\"SQLite "                                             \
    "3.40.1\",\"state\":\"pending\",\"version\":\"1\","                                                      \
    "\"pending\":1," MIGRATIONS

START_TEST(status_json)
{
    struct migrate_report *r = two_migrations(MIG_REPORT_STATUS);
    ck_assert_str_eq(migrate_report_json(r), HEAD "}");
    ck_assert_ptr_eq(migrate_report_json(r), migrate_report_json(r));
    ck_assert_str_eq(migrate_report_text(r), "1 applied, 1 pending; at version 1");
    migrate_report_free(r);
}
END_TEST

START_TEST(run_json)
{
    struct migrate_report *r = two_migrations(MIG_REPORT_RUN);
    r->applied = 1;
    r->elapsed_ms = 40;
    r->lock_wait_ms = 3;
    r->round_trips = 5;
    r->more = true;
    mig_fail(&r->error, MIGRATE_E_MORE_WORK, "the deadline is near");
    ck_assert_str_eq(
        migrate_report_json(r), HEAD
        ",\"applied\":1,\"reverted\":0,\"elapsed_ms\":40,\"lock_wait_ms\":3,\"round_trips\":5,\"more\":true,"
        "\"error\":{\"status\":\"E_MORE_WORK\",\"class\":7,\"message\":\"the deadline is near\",\"hint\":"
        "\"Run again: it goes on where it stopped.\",\"state\":null,\"sqlstate\":null,\"code\":0,"
        "\"version\":\"\",\"path\":null,\"line\":0,\"column\":0,\"statement\":0,\"cause\":null}}");
    ck_assert_str_eq(migrate_report_text(r), "1 applied in 40ms; at version 1; 1 pending");
    migrate_report_free(r);
}
END_TEST

START_TEST(lock_json)
{
    struct migrate_report *r = mig_report_new(MIG_REPORT_LOCK, NULL);
    r->database = "postgres";
    r->state = MIGRATE_STATE_FREE;
    ck_assert_str_eq(
        migrate_report_json(r),
        "{\"schema\":1,\"database\":\"postgres\",\"server\":\"\",\"state\":\"free\",\"holder\":null,\"text\":"
        "\"the migration lock is free\"}");
    migrate_report_free(r);
    r = mig_report_new(MIG_REPORT_LOCK, NULL);
    r->state = MIGRATE_STATE_LOCKED;
    r->holder.session = "42";
    r->holder.application = "app";
    r->holder.user = "deploy";
    r->holder.since_ms = 1795563099120;
    r->holder.epoch = 9;
    ck_assert_str_eq(migrate_report_text(r),
                     "the migration lock is held by 42 (app, user deploy), since 2026-11-24T23:31:39.120Z");
    ck_assert_ptr_nonnull(
        strstr(migrate_report_json(r),
               "\"holder\":{\"session\":\"42\",\"application\":\"app\",\"host\":null,\"user\":\"deploy\","
               "\"doing\":null,\"kind\":null,\"since\":\"2026-11-24T23:31:39.120Z\",\"epoch\":9}"));
    migrate_report_free(r);
}
END_TEST

START_TEST(text_json)
{
    struct migrate_report *r = mig_report_new(MIG_REPORT_TEXT, NULL);
    r->text = "sha256:00";
    r->text_key = "hash";
    ck_assert_str_eq(migrate_report_text(r), "sha256:00");
    ck_assert_str_eq(migrate_report_json(r), "{\"schema\":1,\"hash\":\"sha256:00\"}");
    migrate_report_free(r);
    r = two_migrations(MIG_REPORT_TEXT);
    r->items[1].path = "2_b.sql";
    ck_assert_str_eq(migrate_report_text(r), "1_a.sql\n2_b.sql");
    migrate_report_free(r);
}
END_TEST

START_TEST(accessors)
{
    struct migrate_report *r = two_migrations(MIG_REPORT_STATUS);
    ck_assert_uint_eq(migrate_report_count(r), 2);
    ck_assert_ptr_null(migrate_report_item(r, 2));
    const migrate_item *item = migrate_report_item(r, 0);
    ck_assert_str_eq(migrate_item_checksum(item), "sha256:" HEX8 HEX8 HEX8 HEX8);
    ck_assert_ptr_eq(migrate_item_checksum(item), migrate_item_checksum(item));
    ck_assert_ptr_null(migrate_item_checksum(migrate_report_item(r, 1)));
    r->items[1].code_checksum = "crc:1";
    ck_assert_str_eq(migrate_item_checksum(migrate_report_item(r, 1)), "crc:1");
    ck_assert_str_eq(migrate_item_note(migrate_report_item(r, 1)), "never ran");
    ck_assert_uint_eq(migrate_item_statements(migrate_report_item(r, 1)), UINT64_MAX);
    ck_assert_str_eq(mig_report_text(r, "kept"), "kept");
    ck_assert_str_eq(mig_report_text(r, NULL), "");
    migrate_report_free(r);
    migrate_report_free(NULL);
    ck_assert_str_eq(migrate_report_json(NULL), "");
    ck_assert_str_eq(migrate_report_text(NULL), "");
    ck_assert_uint_eq(migrate_report_count(NULL), 0);
    ck_assert_ptr_null(migrate_report_item(NULL, 0));
    ck_assert_str_eq(migrate_item_version(NULL), "");
    ck_assert_ptr_null(migrate_item_path(NULL));
    ck_assert_ptr_null(migrate_item_checksum(NULL));
    ck_assert_str_eq(migrate_state_name(MIGRATE_STATE_LOCKED), "locked");
    ck_assert_str_eq(migrate_state_name(14), "unknown");
}
END_TEST

/* A failing writer ends it; what it returns is returned. */
struct pieces {
    size_t calls, bytes, largest, fail_at;
    char *all;
};

static migrate_status take(void *user, const char *data, size_t len)
{
    struct pieces *p = user;
    if (++p->calls == p->fail_at)
        return MIGRATE_E_IO;
    p->all = realloc(p->all, p->bytes + len + 1);
    memcpy(p->all + p->bytes, data, len);
    p->bytes += len;
    p->all[p->bytes] = '\0';
    p->largest = len > p->largest ? len : p->largest;
    return MIGRATE_OK;
}

START_TEST(many_migrations_in_pieces)
{
    struct migrate_report *r = mig_report_new(MIG_REPORT_STATUS, NULL);
    for (size_t i = 0; i < 10000; i++) {
        struct migrate_item *item = mig_report_add(r);
        item->version = "20260101000000";
        item->name = "some name";
        item->has_checksum = 1;
    }
    struct pieces p = { 0 };
    ck_assert_int_eq(migrate_report_json_write(r, take, &p), MIGRATE_OK);
    ck_assert_uint_gt(p.calls, 100);
    ck_assert_uint_lt(p.largest, 8192);
    json_t *json = json_loads(p.all, 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "migrations")), 10000);
    json_decref(json);
    ck_assert_str_eq(migrate_report_json(r), p.all);
    free(p.all);
    p = (struct pieces){ .fail_at = 3 };
    ck_assert_int_eq(migrate_report_json_write(r, take, &p), MIGRATE_E_IO);
    ck_assert_uint_eq(p.calls, 3);
    free(p.all);
    ck_assert_int_eq(migrate_report_json_write(NULL, take, &p), MIGRATE_E_ARGUMENT);
    migrate_report_free(r);
}
END_TEST

/* Ten thousand of them must stay small: see the memory that is promised for `status`. */
START_TEST(items_are_small)
{
    ck_assert_uint_le(sizeof(struct migrate_item), 136);
}
END_TEST

UNIT_MAIN("report", status_json, run_json, lock_json, text_json, accessors, many_migrations_in_pieces,
          items_are_small)
