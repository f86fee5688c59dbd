/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "util/buf.h"
#include "util/clock.h"

static void check_instant(int64_t ms, const char *text)
{
    struct mig_buf out = MIG_BUF_INIT;
    int64_t back = -1;
    mig_clock_rfc3339(&out, ms);
    ck_assert_str_eq(mig_buf_text(&out), text);
    ck_assert(mig_clock_parse(text, &back));
    ck_assert_int_eq(back, ms);
    mig_buf_free(&out);
}

START_TEST(instants_both_ways)
{
    check_instant(1, "1970-01-01T00:00:00.001Z");
    check_instant(951782400000, "2000-02-29T00:00:00.000Z");
    check_instant(1795563099120, "2026-11-24T23:31:39.120Z");
    check_instant(4107542399999, "2100-02-28T23:59:59.999Z");
    check_instant(-1, "1969-12-31T23:59:59.999Z");
    check_instant(253402300799999, "9999-12-31T23:59:59.999Z");
}
END_TEST

START_TEST(no_instant_is_no_text)
{
    struct mig_buf out = MIG_BUF_INIT;
    mig_clock_rfc3339(&out, 0);
    ck_assert_str_eq(mig_buf_text(&out), "");
}
END_TEST

START_TEST(instants_as_servers_write_them)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        { "2026-11-24 23:31:39", 1795563099000 },      { "2026-11-24T23:31:39Z", 1795563099000 },
        { "2026-11-24 23:31:39.5", 1795563099500 },    { "2026-11-24 23:31:39.123456+00", 1795563099123 },
        { "2026-11-24 23:31:39+0000", 1795563099000 }, { "2026-11-25 05:01:39+05:30", 1795563099000 },
        { "2026-11-24 20:31:39-03", 1795563099000 },
    };
    static const char *const bad[] = { "",
                                       "2026",
                                       "2026-13-01 00:00:00",
                                       "2026-02-29 00:00:00",
                                       "2026-11-24",
                                       "2026-11-24 24:00:00",
                                       "2026-11-24 23:31:39.",
                                       "2026-11-24 23:31:39x",
                                       "2026-11-24 23:31:39+0",
                                       "2026-11-24  3:31:39" };
    int64_t ms;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_assert_msg(mig_clock_parse(good[i].text, &ms), "%s", good[i].text);
        ck_assert_int_eq(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!mig_clock_parse(bad[i], &ms), "%s", bad[i]);
}
END_TEST

START_TEST(compact_for_file_names)
{
    char text[15];
    mig_clock_compact(1795563099120, text);
    ck_assert_str_eq(text, "20261124233139");
}
END_TEST

START_TEST(durations_read)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = { { "0", 0 },          { "500ms", 500 },  { "2s", 2000 },
                 { "5m", 300000 },    { "1h", 3600000 }, { "1d", 86400000 },
                 { "1500", 1500 },    { "1.5s", 1500 },  { "0.25s", 250 },
                 { "1.5000s", 1500 }, { "0.5m", 30000 }, { "9223372036854775807", INT64_MAX } };
    static const char *const bad[] = { "",
                                       "s",
                                       "-1s",
                                       "1 s",
                                       "1S",
                                       "1.s",
                                       ".5s",
                                       "1.5",
                                       "1.0005s",
                                       "0.5ms",
                                       "9223372036854775808",
                                       "9223372036854775807s",
                                       "1x",
                                       "1sm",
                                       "+1",
                                       "1e3" };
    int64_t ms;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_assert_msg(mig_duration_parse(good[i].text, &ms), "%s", good[i].text);
        ck_assert_int_eq(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!mig_duration_parse(bad[i], &ms), "%s", bad[i]);
}
END_TEST

START_TEST(durations_written)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = { { 0, "0" },        { 250, "250ms" },   { 1000, "1s" },      { 1500, "1.5s" },
                  { 1250, "1.25s" }, { 1234, "1.234s" }, { 60000, "1m" },     { 90000, "90s" },
                  { 300000, "5m" },  { 7200000, "2h" },  { 86400000, "24h" }, { 61001, "61.001s" } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mig_buf out = MIG_BUF_INIT;
        int64_t back;
        mig_duration_write(&out, cases[i].ms);
        ck_assert_str_eq(mig_buf_text(&out), cases[i].text);
        ck_assert(mig_duration_parse(mig_buf_text(&out), &back));
        ck_assert_int_eq(back, cases[i].ms);
        mig_buf_free(&out);
    }
}
END_TEST

START_TEST(clocks_tick)
{
    int64_t before = mig_clock_mono_ms();
    ck_assert_int_gt(before, 0);
    ck_assert_int_ge(mig_clock_mono_ms(), before);
    ck_assert_int_gt(mig_clock_unix_ms(), 1700000000000);
}
END_TEST

UNIT_MAIN("clock", instants_both_ways, no_instant_is_no_text, instants_as_servers_write_them,
          compact_for_file_names, durations_read, durations_written, clocks_tick)
