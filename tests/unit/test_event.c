/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <jansson.h>

#include "core/event.h"
#include "core/item.h"

struct seen {
    char text[512];
    char json[2048];
    uint32_t level;
    migrate_status answer;
};

static migrate_status look(void *user, const migrate_event *event)
{
    struct seen *s = user;
    (void)strncpy(s->text, migrate_event_text(event), sizeof s->text - 1);
    (void)strncpy(s->json, migrate_event_json(event), sizeof s->json - 1);
    ck_assert_ptr_eq(migrate_event_json(event), migrate_event_json(event));
    s->level = migrate_event_level(event);
    return s->answer;
}

static const struct migrate_item item = { .version = "0003",
                                          .name = "add users",
                                          .path = "0003_add_users.sql",
                                          .kind = MIGRATE_KIND_VERSIONED,
                                          .direction = MIGRATE_DIRECTION_UP,
                                          .state = MIGRATE_STATE_PENDING,
                                          .statements = 4 };

static void check(struct migrate_event event, uint32_t level, const char *name, const char *text)
{
    struct seen s = { .answer = MIGRATE_OK };
    json_error_t error;
    ck_assert_int_eq(mig_event_emit(look, &s, &event), MIGRATE_OK);
    ck_assert_str_eq(s.text, text);
    ck_assert_uint_eq(s.level, level);
    ck_assert_int_eq(strncmp(s.json, "{\"schema\":1,\"event\":", 20), 0);
    json_t *json = json_loads(s.json, 0, &error);
    ck_assert_msg(json != NULL, "%s: %s", error.text, s.json);
    ck_assert_str_eq(json_string_value(json_object_get(json, "event")), name);
    ck_assert_str_eq(json_string_value(json_object_get(json, "text")), text);
    json_decref(json);
}

START_TEST(sentences)
{
    check(
        (struct migrate_event){ .type = MIGRATE_EVENT_LOG, .level = MIGRATE_LOG_ERROR, .text = "a \"line\"" },
        MIGRATE_LOG_ERROR, "log", "a \"line\"");
    check((struct migrate_event){ .type = MIGRATE_EVENT_NOTICE, .text = "NOTICE: x" }, MIGRATE_LOG_INFO,
          "notice", "NOTICE: x");
    check((struct migrate_event){ .type = MIGRATE_EVENT_CONNECTED, .text = "h:5432" }, MIGRATE_LOG_INFO,
          "connected", "connected to h:5432");
    check((struct migrate_event){ .type = MIGRATE_EVENT_WAIT_LOCK, .text = "session 7" }, MIGRATE_LOG_WARN,
          "wait_lock", "waiting for the migration lock: session 7");
    check((struct migrate_event){ .type = MIGRATE_EVENT_LOCKED, .elapsed_ms = 1500 }, MIGRATE_LOG_INFO,
          "locked", "have the migration lock after 1.5s");
    check((struct migrate_event){ .type = MIGRATE_EVENT_UNLOCKED }, MIGRATE_LOG_INFO, "unlocked",
          "gave the migration lock back");
    check((struct migrate_event){ .type = MIGRATE_EVENT_RUN_BEGIN, .total = 1 }, MIGRATE_LOG_INFO,
          "run_begin", "1 migration to run");
    check((struct migrate_event){ .type = MIGRATE_EVENT_RUN_END, .elapsed_ms = 20 }, MIGRATE_LOG_INFO,
          "run_end", "run done after 20ms");
    check((struct migrate_event){ .type = MIGRATE_EVENT_RUN_END, .status = MIGRATE_E_SQL }, MIGRATE_LOG_ERROR,
          "run_end", "run ended with E_SQL");
    check((struct migrate_event){ .type = MIGRATE_EVENT_RUN_END, .status = MIGRATE_E_STOPPED },
          MIGRATE_LOG_WARN, "run_end", "run ended with E_STOPPED");
    check(
        (struct migrate_event){
            .type = MIGRATE_EVENT_MIGRATION_BEGIN, .item = &item, .index = 1, .total = 3 },
        MIGRATE_LOG_INFO, "migration_begin", "applying 0003 add users (1 of 3)");
    check((struct migrate_event){ .type = MIGRATE_EVENT_MIGRATION_END, .item = &item, .elapsed_ms = 5 },
          MIGRATE_LOG_INFO, "migration_end", "0003 add users applied after 5ms");
    check((struct migrate_event){ .type = MIGRATE_EVENT_STATEMENT, .item = &item, .index = 2, .total = 4 },
          MIGRATE_LOG_DEBUG, "statement", "0003 add users: statement 2 of 4 done");
    check(
        (struct migrate_event){
            .type = MIGRATE_EVENT_PROGRESS, .item = &item, .text = "building", .index = 2 },
        MIGRATE_LOG_DEBUG, "progress", "building");
    check((struct migrate_event){ .type = MIGRATE_EVENT_BLOCKED, .item = &item, .text = "pid 9: SELECT 1" },
          MIGRATE_LOG_WARN, "blocked", "0003 add users: blocked: pid 9: SELECT 1");
    check((struct migrate_event){ .type = MIGRATE_EVENT_RETRY,
                                  .item = &item,
                                  .index = 1,
                                  .total = 30,
                                  .status = MIGRATE_E_LOCKED,
                                  .text = "deadlock" },
          MIGRATE_LOG_WARN, "retry", "0003 add users: retry 1 of 30: deadlock");
    check((struct migrate_event){ .type = MIGRATE_EVENT_TICK, .elapsed_ms = 250 }, MIGRATE_LOG_DEBUG, "tick",
          "waiting, 250ms");
    check((struct migrate_event){ .type = 999 }, MIGRATE_LOG_INFO, "unknown", "");
}
END_TEST

START_TEST(directions)
{
    struct migrate_item down = item,
                        views = { .version = "", .name = "views", .kind = MIGRATE_KIND_REPEATABLE };
    down.direction = MIGRATE_DIRECTION_DOWN;
    check((struct migrate_event){ .type = MIGRATE_EVENT_MIGRATION_BEGIN, .item = &down }, MIGRATE_LOG_INFO,
          "migration_begin", "reverting 0003 add users");
    check((struct migrate_event){ .type = MIGRATE_EVENT_MIGRATION_END, .item = &down }, MIGRATE_LOG_INFO,
          "migration_end", "0003 add users reverted");
    check((struct migrate_event){ .type = MIGRATE_EVENT_MIGRATION_BEGIN, .item = &views }, MIGRATE_LOG_INFO,
          "migration_begin", "applying R:views");
}
END_TEST

START_TEST(json_keys)
{
    struct seen s = { .answer = MIGRATE_E_CALLBACK };
    struct migrate_event event = { .type = MIGRATE_EVENT_MIGRATION_END,
                                   .item = &item,
                                   .index = 1,
                                   .total = 2,
                                   .elapsed_ms = 7,
                                   .at_ms = 1795563099120 };
    ck_assert_int_eq(mig_event_emit(look, &s, &event), MIGRATE_E_CALLBACK);
    ck_assert_str_eq(
        s.json,
        "{\"schema\":1,\"event\":\"migration_end\",\"level\":\"info\",\"at\":"
        "\"2026-11-24T23:31:39.120Z\",\"text\":\"0003 add users applied after 7ms\",\"status\":\"OK\","
        "\"migration\":{\"version\":\"0003\",\"name\":\"add users\",\"kind\":\"V\",\"state\":"
        "\"pending\",\"path\":\"0003_add_users.sql\",\"checksum\":null,\"statements\":4,\"done\":0,"
        "\"transaction\":false,\"applied_at\":null,\"elapsed_ms\":0,\"direction\":\"up\"},\"index\":1,"
        "\"total\":2,\"elapsed_ms\":7}");
}
END_TEST

START_TEST(nobody_listens)
{
    struct migrate_event event = { .type = MIGRATE_EVENT_TICK };
    ck_assert_int_eq(mig_event_emit(NULL, NULL, &event), MIGRATE_OK);
    ck_assert_int_gt(event.at_ms, 0);
    ck_assert_str_eq(migrate_event_text(NULL), "");
    ck_assert_str_eq(migrate_event_json(NULL), "");
    ck_assert_ptr_null(migrate_event_item(NULL));
    ck_assert_uint_eq(migrate_event_level(NULL), 0);
}
END_TEST

UNIT_MAIN("event", sentences, directions, json_keys, nobody_listens)
