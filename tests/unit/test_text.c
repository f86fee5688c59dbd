/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "util/buf.h"
#include "util/text.h"

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

START_TEST(natural_order)
{
    static const struct {
        const char *a, *b;
        int order;
    } cases[] = {
        { "2", "10", -1 },
        { "1.9", "1.10", -1 },
        { "v2/01", "v10/01", -1 },
        { "1", "01", 0 },
        { "1.0", "1.00", 0 },
        { "1", "1.0", -1 },
        { "a", "b", -1 },
        { "a", "A", 1 },
        { "", "", 0 },
        { "", "1", -1 },
        { "0", "", 1 },
        { "1a", "1", 1 },
        { "x10y2", "x10y10", -1 },
        { "1_2", "1.2", 1 },
        { "00", "0", 0 },
        { "007", "7a", -1 },
        { "99999999999999999999999999998", "99999999999999999999999999999", -1 },
        { "\xc3\xa9", "z", 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(sign(mig_natural_cmp(cases[i].a, cases[i].b)), cases[i].order);
        ck_assert_int_eq(sign(mig_natural_cmp(cases[i].b, cases[i].a)), -cases[i].order);
    }
}
END_TEST

START_TEST(ascii_folding)
{
    ck_assert(mig_ieq("Select", "sELECT"));
    ck_assert(!mig_ieq("select", "selec"));
    ck_assert(!mig_ieq("selec", "select"));
    ck_assert(!mig_ieq("[", "{")); /* 0x20 apart, but no letters */
    ck_assert(mig_ieqn("ENDx", 3, "end"));
    ck_assert(!mig_ieqn("END", 3, "ende"));
    ck_assert(!mig_ieqn("END", 3, "en"));
    ck_assert(mig_ieqn("", 0, ""));
    ck_assert(mig_starts("abc", "ab") && mig_starts("abc", "") && !mig_starts("ab", "abc"));
    ck_assert(mig_ends("a.sql", ".sql") && mig_ends("a", "") && !mig_ends("sql", ".sql"));
}
END_TEST

static size_t first_bad(const char *text)
{
    size_t bad = SIZE_MAX;
    return mig_utf8_valid(text, strlen(text), &bad) ? SIZE_MAX : bad;
}

START_TEST(utf8_is_strict)
{
    ck_assert_uint_eq(first_bad("plain, \xc3\xa9, \xe2\x82\xac, \xf0\x9f\x98\x80"), SIZE_MAX);
    ck_assert_uint_eq(first_bad("\xf4\x8f\xbf\xbf"), SIZE_MAX);
    ck_assert_uint_eq(first_bad("a\xff"), 1);
    ck_assert_uint_eq(first_bad("ab\x80"), 2);
    ck_assert_uint_eq(first_bad("\xc0\xaf"), 0);         /* overlong */
    ck_assert_uint_eq(first_bad("\xe0\x80\xaf"), 0);     /* overlong */
    ck_assert_uint_eq(first_bad("\xed\xa0\x80"), 0);     /* surrogate */
    ck_assert_uint_eq(first_bad("\xf4\x90\x80\x80"), 0); /* past U+10FFFF */
    ck_assert_uint_eq(first_bad("x\xe2\x82"), 1);        /* cut short */
    ck_assert(mig_utf8_valid("\xff", 1, NULL) == false);
}
END_TEST

START_TEST(characters_are_counted)
{
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xff"
                               "b";
    size_t len = sizeof text - 1;
    ck_assert_uint_eq(mig_utf8_count(text, len), 5);
    ck_assert_uint_eq(mig_utf8_offset(text, len, 0), 0);
    ck_assert_uint_eq(mig_utf8_offset(text, len, 2), 3);
    ck_assert_uint_eq(mig_utf8_offset(text, len, 4), 7);
    ck_assert_uint_eq(mig_utf8_offset(text, len, 99), len);
    for (size_t max = 0; max <= len + 2; max++) {
        size_t cut = mig_utf8_cut(text, len, max);
        ck_assert_uint_le(cut, max);
        ck_assert_uint_ge(cut + 3, max < len ? max : len);
        ck_assert(cut != 2 && cut != 4 && cut != 5);
    }
    ck_assert_uint_eq(mig_utf8_cut(text, len, 3), 3);
    ck_assert_uint_eq(mig_utf8_cut("\x80\x80\x80\x80\x80", 5, 4), 4);
}
END_TEST

static void check_position(const char *text, size_t at, uint64_t line, uint64_t column)
{
    uint64_t l = 1, c = 1;
    mig_text_position(text, at, &l, &c);
    ck_assert_uint_eq(l, line);
    ck_assert_uint_eq(c, column);
}

START_TEST(positions)
{
    check_position("abc", 0, 1, 1);
    check_position("abc", 2, 1, 3);
    check_position("a\nb", 2, 2, 1);
    check_position("a\r\nb", 3, 2, 1);
    check_position("a\rb", 2, 2, 1);
    check_position("a\r\rb", 3, 3, 1);
    check_position("\xc3\xa9\xe2\x82\xac x", 6, 1, 4);
    uint64_t line = 7, column = 5;
    mig_text_position("xy", 1, &line, &column);
    ck_assert(line == 7 && column == 6);
}
END_TEST

static void check_json(const char *text, size_t len, const char *want)
{
    struct mig_buf out = MIG_BUF_INIT;
    mig_json_strn(&out, text, len);
    ck_assert_str_eq(mig_buf_text(&out), want);
    mig_buf_free(&out);
}

START_TEST(json_text)
{
    check_json("", 0, "\"\"");
    check_json(NULL, 0, "null");
    check_json("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"");
    check_json("\b\f\n\r\t\x01\x1f", 7, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\"");
    check_json("a\0b", 3, "\"a\\u0000b\"");
    check_json("\xff"
               "a\xe2\x82",
               4,
               "\"\xef\xbf\xbd"
               "a\xef\xbf\xbd\xef\xbf\xbd\"");
    check_json("\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\"");
}
END_TEST

UNIT_MAIN("text", natural_order, ascii_folding, utf8_is_strict, characters_are_counted, positions, json_text)
