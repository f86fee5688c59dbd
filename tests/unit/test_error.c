/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "core/error.h"
#include "core/secrets.h"

START_TEST(null_is_taken)
{
    ck_assert_int_eq(mig_fail(NULL, MIGRATE_E_SQL, "x"), MIGRATE_E_SQL);
    mig_error_hint(NULL, "x");
    mig_error_place(NULL, &(struct mig_place){ 0 });
    mig_error_add_cause(NULL, NULL);
    mig_error_mask(NULL, NULL);
    migrate_error_free(NULL);
    ck_assert_int_eq(migrate_error_status(NULL), MIGRATE_OK);
    ck_assert_str_eq(migrate_error_message(NULL), "");
    ck_assert_str_eq(migrate_error_text(NULL), "");
    ck_assert_str_eq(migrate_error_json(NULL), "");
    ck_assert_ptr_null(migrate_error_hint(NULL));
    ck_assert_ptr_null(migrate_error_sqlstate(NULL));
    ck_assert_ptr_null(migrate_error_cause(NULL));
    ck_assert_uint_eq(migrate_error_line(NULL), 0);
    ck_assert_ptr_null(mig_error_copy(NULL));
}
END_TEST

START_TEST(hints)
{
    migrate_error *err = NULL;
    ck_assert_int_eq(mig_fail(&err, MIGRATE_E_SQL, "no %s", "table"), MIGRATE_E_SQL);
    ck_assert_str_eq(migrate_error_message(err), "no table");
    ck_assert_str_eq(migrate_error_hint(err),
                     "Correct the migration and run again."); /* what the status says */
    mig_error_hint(&err, "first");
    mig_error_hint(&err, "second");
    ck_assert_str_eq(migrate_error_hint(err), "first");
    mig_error_prefix(&err, "init_sql");
    ck_assert_str_eq(migrate_error_message(err), "init_sql: no table");
    mig_error_state(&err, "one");
    mig_error_state(&err, "two");
    ck_assert_str_eq(migrate_error_state(err), "two");
    mig_error_status(&err, MIGRATE_E_LOCKED);
    ck_assert_int_eq(migrate_error_status(err), MIGRATE_E_LOCKED);
    migrate_error_free(err);
}
END_TEST

START_TEST(messages_are_one_line)
{
    migrate_error *err = NULL;
    mig_fail(&err, MIGRATE_E_SQL, "\nfirst  \r\n   second\n\nthird\n");
    ck_assert_str_eq(migrate_error_message(err), "first second third");
    migrate_error_free(err);
}
END_TEST

static migrate_fault fault(uint32_t klass)
{
    return (migrate_fault){ .struct_size = sizeof(migrate_fault), .klass = klass, .message = "words" };
}

START_TEST(faults_become_statuses)
{
    static const struct {
        uint32_t klass;
        migrate_status status;
    } cases[] = {
        { MIGRATE_FAULT_OTHER, MIGRATE_E_SQL },
        { MIGRATE_FAULT_RETRY_TX, MIGRATE_E_LOCKED },
        { MIGRATE_FAULT_RETRY_STMT, MIGRATE_E_LOCKED },
        { MIGRATE_FAULT_LOCK_TIMEOUT, MIGRATE_E_LOCKED },
        { MIGRATE_FAULT_CONN_LOST, MIGRATE_E_CONN_LOST },
        { MIGRATE_FAULT_READ_ONLY, MIGRATE_E_READ_ONLY },
        { MIGRATE_FAULT_AUTH, MIGRATE_E_AUTH },
        { MIGRATE_FAULT_UNAVAILABLE, MIGRATE_E_UNAVAILABLE },
        { MIGRATE_FAULT_DENIED, MIGRATE_E_DENIED },
        { MIGRATE_FAULT_NO_DB, MIGRATE_E_NO_DATABASE },
        { MIGRATE_FAULT_SYNTAX, MIGRATE_E_SQL },
        { MIGRATE_FAULT_TOO_LARGE, MIGRATE_E_TOO_LARGE },
        { MIGRATE_FAULT_EXISTS, MIGRATE_E_SQL },
        { MIGRATE_FAULT_DISK_FULL, MIGRATE_E_DISK_FULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        migrate_error *err = NULL;
        migrate_fault f = fault(cases[i].klass);
        ck_assert_int_eq(mig_fail_fault(&err, &f), cases[i].status);
        ck_assert_uint_eq(mig_error_fault(err), cases[i].klass);
        ck_assert_int_eq(mig_fail_fault(NULL, &f), cases[i].status);
        migrate_error_free(err);
    }
    migrate_fault f = fault(MIGRATE_FAULT_CANCELLED);
    f.status = MIGRATE_E_DEADLINE;
    ck_assert_int_eq(mig_fail_fault(NULL, &f), MIGRATE_E_DEADLINE);
}
END_TEST

START_TEST(a_short_fault_is_read_no_further)
{
    migrate_error *err = NULL;
    migrate_fault f = fault(MIGRATE_FAULT_DENIED);
    f.native_code = 9;
    f.struct_size = offsetof(migrate_fault, native_code);
    ck_assert_int_eq(mig_fail_fault(&err, &f), MIGRATE_E_DENIED);
    ck_assert_int_eq(migrate_error_code(err), 0);
    ck_assert_str_eq(migrate_error_message(err), migrate_status_text(MIGRATE_E_DENIED));
    migrate_error_free(err);
}
END_TEST

static const char sql[] = "CREATE TABLE t (\n  id INT,\n  \xc3\xa9\xc3\xa9 BOGUS,\n  x INT\n)";

static migrate_error *failed_statement(uint64_t offset)
{
    migrate_error *err = NULL;
    migrate_fault f = { .struct_size = sizeof f,
                        .klass = MIGRATE_FAULT_SYNTAX,
                        .native_code = 7,
                        .sqlstate = "42601",
                        .message = "syntax error near \"BOGUS\"",
                        .offset = offset };
    mig_fail_fault(&err, &f);
    mig_error_place(&err, &(struct mig_place){ "0003", "0003_t.sql", 12, 5, 2, sql, sizeof sql - 1 });
    mig_error_state(&err, "0003 rolled back; 0001 and 0002 are applied");
    return err;
}

START_TEST(position_with_caret)
{
    migrate_error *err = failed_statement((uint64_t)(strstr(sql, "BOGUS") - sql) + 1);
    ck_assert_uint_eq(migrate_error_line(err), 14);
    ck_assert_uint_eq(migrate_error_column(err), 6);
    ck_assert_uint_eq(migrate_error_statement(err), 2);
    ck_assert_str_eq(migrate_error_sqlstate(err), "42601");
    ck_assert_int_eq(migrate_error_code(err), 7);
    ck_assert_str_eq(migrate_error_version(err), "0003");
    ck_assert_str_eq(migrate_error_path(err), "0003_t.sql");
    ck_assert_str_eq(migrate_error_text(err), "0003_t.sql:14:6: syntax error near \"BOGUS\"\n"
                                              "  statement 2 of migration 0003; SQLSTATE 42601; code 7\n"
                                              "     12 | CREATE TABLE t (\n"
                                              "     13 |   id INT,\n"
                                              "     14 |   \xc3\xa9\xc3\xa9 BOGUS,\n"
                                              "        |      ^\n"
                                              "  now: 0003 rolled back; 0001 and 0002 are applied\n"
                                              "hint: Correct the migration and run again.");
    migrate_error_free(err);
}
END_TEST

START_TEST(no_position_no_caret)
{
    migrate_error *err = failed_statement(0);
    ck_assert_uint_eq(migrate_error_line(err), 12);
    ck_assert_uint_eq(migrate_error_column(err), 5);
    ck_assert_ptr_nonnull(strstr(migrate_error_text(err), "     12 | CREATE TABLE t ( \xe2\x80\xa6\n  now:"));
    migrate_error_free(err);
}
END_TEST

/* An offset that lies outside is a driver's mistake; it must not become ours. */
START_TEST(position_at_and_past_the_end)
{
    migrate_error *err = failed_statement(sizeof sql);
    ck_assert_uint_eq(migrate_error_line(err), 16);
    ck_assert_uint_eq(migrate_error_column(err), 2);
    migrate_error_free(err);
    err = failed_statement(sizeof sql + 1000);
    ck_assert_uint_eq(migrate_error_line(err), 12);
    ck_assert(migrate_error_text(err)[0] != '\0');
    migrate_error_free(err);
}
END_TEST

START_TEST(long_lines_are_cut_around_the_caret)
{
    char text[1001];
    memset(text, 'a', 1000);
    text[1000] = '\0';
    text[700] = '!';
    migrate_error *err = NULL;
    migrate_fault f = fault(MIGRATE_FAULT_SYNTAX);
    f.offset = 701;
    mig_fail_fault(&err, &f);
    mig_error_place(&err, &(struct mig_place){ "1", "1.sql", 1, 1, 1, text, 1000 });
    ck_assert_uint_eq(migrate_error_column(err), 701);
    const char *shown = migrate_error_text(err), *bang = strchr(shown, '!'), *caret = strchr(shown, '^');
    ck_assert_ptr_nonnull(bang);
    ck_assert_ptr_nonnull(caret);
    ck_assert_uint_lt(strlen(shown), 400);
    const char *line = strstr(shown, "1 | "), *below = strstr(shown, "  | ");
    /* The ellipsis is three bytes and one column. */
    ck_assert_int_eq((bang - line) - 2, caret - below);
    migrate_error_free(err);
}
END_TEST

START_TEST(passwords_in_statements_are_not_shown)
{
    static const char create[] = "CREATE ROLE a PASSWORD 'hunt\xc3\xa9r2' BOGUS";
    migrate_error *err = NULL;
    migrate_fault f = fault(MIGRATE_FAULT_SYNTAX);
    f.offset = (uint64_t)(strstr(create, "BOGUS") - create) + 1;
    mig_fail_fault(&err, &f);
    mig_error_place(&err, &(struct mig_place){ "1", "1.sql", 1, 1, 1, create, sizeof create - 1 });
    ck_assert_ptr_nonnull(strstr(migrate_error_text(err), "PASSWORD '*******' BOGUS"));
    ck_assert_ptr_nonnull(strstr(migrate_error_text(err), "\n        |                                  ^"));
    migrate_error_free(err);
}
END_TEST

START_TEST(json_of_it)
{
    migrate_error *err = failed_statement(0), *cause = NULL;
    mig_fail(&cause, MIGRATE_E_CONN_LOST, "rollback: gone");
    mig_error_add_cause(&err, cause);
    ck_assert_str_eq(
        migrate_error_json(err),
        "{\"schema\":1,\"error\":{\"status\":\"E_SQL\",\"class\":6,\"message\":\"syntax error near "
        "\\\"BOGUS\\\"\",\"hint\":\"Correct the migration and run again.\",\"state\":\"0003 rolled back; "
        "0001 and 0002 are applied\",\"sqlstate\":\"42601\",\"code\":7,\"version\":\"0003\",\"path\":"
        "\"0003_t.sql\",\"line\":12,\"column\":5,\"statement\":2,\"cause\":{\"status\":\"E_CONN_LOST\","
        "\"class\":6,\"message\":\"rollback: gone\",\"hint\":\"Run again: it goes on where it stopped.\","
        "\"state\":null,\"sqlstate\":null,\"code\":0,\"version\":\"\",\"path\":null,\"line\":0,\"column\":0,"
        "\"statement\":0,\"cause\":null}}}");
    migrate_error_free(err);
}
END_TEST

START_TEST(causes_are_appended)
{
    migrate_error *err = NULL, *one = NULL, *two = NULL;
    mig_fail(&err, MIGRATE_E_AUTH, "top");
    ck_assert_str_eq(migrate_error_text(err), "top\nhint: Check user name and password.");
    mig_fail(&one, MIGRATE_E_CALLBACK, "one");
    mig_fail(&two, MIGRATE_E_IO, "two");
    mig_error_hint(&two, "look there");
    mig_error_add_cause(&err, one);
    mig_error_add_cause(&err, two);
    mig_error_add_cause(&err, NULL);
    ck_assert_str_eq(migrate_error_message(migrate_error_cause(migrate_error_cause(err))), "two");
    ck_assert_str_eq(migrate_error_text(err), "top\n  caused by: one\n  caused by: two\nhint: look there");
    migrate_error_free(err);
}
END_TEST

START_TEST(a_diag_becomes_an_error)
{
    struct mig_diag diag = MIG_DIAG_INIT;
    migrate_error *err = NULL;
    mig_diag_set(&diag, MIGRATE_E_PARSE, "unterminated quote");
    mig_diag_hint(&diag, "close it");
    mig_diag_path(&diag, "a.sql");
    mig_diag_at(&diag, 3, 4);
    ck_assert_int_eq(mig_fail_diag(&err, &diag), MIGRATE_E_PARSE);
    ck_assert_str_eq(migrate_error_text(err), "a.sql:3:4: unterminated quote\nhint: close it");
    ck_assert_int_eq(diag.status, 0);
    /* What the lexer said stays: the engine's place only adds. */
    mig_error_place(&err, &(struct mig_place){ "1", "other.sql", 1, 1, 1, "x", 1 });
    ck_assert_str_eq(migrate_error_path(err), "a.sql");
    ck_assert_uint_eq(migrate_error_line(err), 3);
    ck_assert_uint_eq(migrate_error_statement(err), 1);
    migrate_error_free(err);
}
END_TEST

START_TEST(secrets_are_masked_everywhere)
{
    struct mig_secrets secrets = { NULL, 0, 0 };
    ck_assert(mig_secrets_add(&secrets, "hunter2"));
    migrate_error *err = NULL, *cause = NULL;
    mig_fail(&err, MIGRATE_E_SQL, "hunter2 and hunter2");
    (void)migrate_error_json(err); /* a rendering made before must not survive */
    mig_error_hint(&err, "hunter2!");
    mig_error_state(&err, "hunter2");
    mig_error_place(&err, &(struct mig_place){ "hunter2", "hunter2.sql", 1, 1, 1, "SELECT hunter2", 14 });
    mig_fail(&cause, MIGRATE_E_IO, "a hunter2 b");
    mig_error_add_cause(&err, cause);
    migrate_error *copy = mig_error_copy(err);
    mig_error_mask(err, &secrets);
    ck_assert_ptr_null(strstr(migrate_error_text(err), "hunter"));
    ck_assert_ptr_null(strstr(migrate_error_json(err), "hunter"));
    ck_assert_str_eq(migrate_error_message(err), "*** and ***");
    ck_assert_str_eq(migrate_error_message(migrate_error_cause(err)), "a *** b");
    ck_assert_str_eq(migrate_error_message(copy), "hunter2 and hunter2");
    migrate_error_free(copy);
    migrate_error_free(err);
    mig_secrets_free(&secrets);
}
END_TEST

START_TEST(a_copy_is_whole)
{
    migrate_error *err = failed_statement(9), *cause = NULL;
    mig_fail(&cause, MIGRATE_E_IO, "below");
    mig_error_add_cause(&err, cause);
    migrate_error *copy = mig_error_copy(err);
    ck_assert_str_eq(migrate_error_text(copy), migrate_error_text(err));
    ck_assert_str_eq(migrate_error_json(copy), migrate_error_json(err));
    migrate_error_free(err);
    ck_assert(migrate_error_text(copy)[0] != '\0');
    migrate_error_free(copy);
}
END_TEST

START_TEST(made_by_a_callback)
{
    migrate_error *err = NULL;
    ck_assert_int_eq(migrate_error_make(&err, MIGRATE_E_CALLBACK, "vault is sealed", NULL),
                     MIGRATE_E_CALLBACK);
    ck_assert_str_eq(migrate_error_message(err), "vault is sealed");
    migrate_error_free(err);
    ck_assert_int_eq(migrate_error_make(&err, MIGRATE_OK, NULL, "h"), MIGRATE_E_CALLBACK);
    ck_assert_str_eq(migrate_error_hint(err), "h");
    migrate_error_free(err);
    ck_assert_int_eq(migrate_error_make(NULL, MIGRATE_E_IO, "x", "y"), MIGRATE_E_IO);
    ck_assert_int_eq(migrate_error_make(&err, MIGRATE_E_IO, "100%s", "%n"), MIGRATE_E_IO);
    ck_assert_str_eq(migrate_error_message(err), "100%s");
    migrate_error_free(err);
}
END_TEST

START_TEST(out_of_memory_is_static)
{
    migrate_error *err = NULL, *cause = NULL;
    ck_assert_int_eq(mig_fail_nomem(&err), MIGRATE_E_NOMEM);
    mig_fail(&cause, MIGRATE_E_IO, "x");
    mig_error_add_cause(&err, cause); /* freed, for it has no place */
    mig_error_hint(&err, "h");
    mig_error_prefix(&err, "p");
    mig_error_status(&err, MIGRATE_E_IO);
    mig_error_mask(err, NULL);
    ck_assert_int_eq(migrate_error_status(err), MIGRATE_E_NOMEM);
    ck_assert_str_eq(migrate_error_message(err), "out of memory");
    ck_assert_ptr_nonnull(strstr(migrate_error_json(err), "\"status\":\"E_NOMEM\",\"class\":2"));
    ck_assert_ptr_nonnull(strstr(migrate_error_text(err), "hint:"));
    ck_assert_ptr_eq(mig_error_copy(err), err);
    migrate_error_free(err);
    migrate_error_free(err);
}
END_TEST

UNIT_MAIN("error", null_is_taken, hints, messages_are_one_line, faults_become_statuses,
          a_short_fault_is_read_no_further, position_with_caret, no_position_no_caret,
          position_at_and_past_the_end, long_lines_are_cut_around_the_caret,
          passwords_in_statements_are_not_shown, json_of_it, causes_are_appended, a_diag_becomes_an_error,
          secrets_are_masked_everywhere, a_copy_is_whole, made_by_a_callback, out_of_memory_is_static)
