/* SPDX-License-Identifier: Apache-2.0 */
/* Prints size and member offsets of every struct that crosses the boundary, for the golden file. The numbers
 * are those of an LP64 machine; on another only the order is compared. */
#include <stdio.h>

#include <migrate/conformance.h>
#include <migrate/driver.h>
#include <migrate/lock.h>
#include <migrate/migrate.h>
#include <migrate/source.h>

#define STRUCT(type) printf("%s %zu\n", #type, sizeof(type))
#define MEMBER(type, member) printf("  %s %zu\n", #member, offsetof(type, member))

static void print_options(void)
{
    STRUCT(migrate_text);
    MEMBER(migrate_text, data);
    MEMBER(migrate_text, len);
    STRUCT(migrate_run_options);
    MEMBER(migrate_run_options, struct_size);
    MEMBER(migrate_run_options, direction);
    MEMBER(migrate_run_options, flags);
    MEMBER(migrate_run_options, target);
    MEMBER(migrate_run_options, steps);
    MEMBER(migrate_run_options, deadline_ms);
}

static void print_host(void)
{
    STRUCT(migrate_fault);
    MEMBER(migrate_fault, struct_size);
    MEMBER(migrate_fault, status);
    MEMBER(migrate_fault, klass);
    MEMBER(migrate_fault, native_code);
    MEMBER(migrate_fault, reserved);
    MEMBER(migrate_fault, offset);
    MEMBER(migrate_fault, sqlstate);
    MEMBER(migrate_fault, message);
    MEMBER(migrate_fault, detail);
    MEMBER(migrate_fault, hint);
    MEMBER(migrate_fault, object);
    STRUCT(migrate_host);
    MEMBER(migrate_host, struct_size);
    MEMBER(migrate_host, self);
    MEMBER(migrate_host, fail);
    MEMBER(migrate_host, option);
    MEMBER(migrate_host, log);
    MEMBER(migrate_host, notice);
    MEMBER(migrate_host, progress);
    MEMBER(migrate_host, credentials);
    MEMBER(migrate_host, tick);
    MEMBER(migrate_host, remaining_ms);
    MEMBER(migrate_host, cancel_fd);
    MEMBER(migrate_host, sleep);
}

static void print_credentials(void)
{
    STRUCT(migrate_credentials);
    MEMBER(migrate_credentials, struct_size);
    MEMBER(migrate_credentials, user);
    MEMBER(migrate_credentials, password);
    MEMBER(migrate_credentials, role);
    MEMBER(migrate_credentials, host);
    MEMBER(migrate_credentials, port);
    MEMBER(migrate_credentials, flags);
    MEMBER(migrate_credentials, release);
    MEMBER(migrate_credentials, opaque);
    MEMBER(migrate_credentials, database);
}

static void print_statement(void)
{
    STRUCT(migrate_stmt);
    MEMBER(migrate_stmt, struct_size);
    MEMBER(migrate_stmt, flags);
    MEMBER(migrate_stmt, n_params);
    MEMBER(migrate_stmt, sql);
    MEMBER(migrate_stmt, sql_len);
    MEMBER(migrate_stmt, params);
    MEMBER(migrate_stmt, on_row);
    MEMBER(migrate_stmt, on_row_user);
    MEMBER(migrate_stmt, data);
    MEMBER(migrate_stmt, data_user);
    STRUCT(migrate_result);
    MEMBER(migrate_result, struct_size);
    MEMBER(migrate_result, outcome);
    MEMBER(migrate_result, tx);
    MEMBER(migrate_result, lex);
    MEMBER(migrate_result, round_trips);
    MEMBER(migrate_result, affected);
    MEMBER(migrate_result, tag);
    STRUCT(migrate_batch);
    MEMBER(migrate_batch, struct_size);
    MEMBER(migrate_batch, flags);
    MEMBER(migrate_batch, reserved);
    MEMBER(migrate_batch, max_ahead);
    MEMBER(migrate_batch, user);
    MEMBER(migrate_batch, next);
    MEMBER(migrate_batch, done);
}

static void print_facts(void)
{
    STRUCT(migrate_info);
    MEMBER(migrate_info, struct_size);
    MEMBER(migrate_info, caps);
    MEMBER(migrate_info, flags);
    MEMBER(migrate_info, version);
    MEMBER(migrate_info, lex);
    MEMBER(migrate_info, max_statement);
    MEMBER(migrate_info, max_call_ms);
    MEMBER(migrate_info, product);
    MEMBER(migrate_info, flavour);
    MEMBER(migrate_info, version_text);
    MEMBER(migrate_info, database);
    MEMBER(migrate_info, schema);
    MEMBER(migrate_info, session_id);
    MEMBER(migrate_info, address);
    STRUCT(migrate_object);
    MEMBER(migrate_object, struct_size);
    MEMBER(migrate_object, kind);
    MEMBER(migrate_object, reserved);
    MEMBER(migrate_object, schema);
    MEMBER(migrate_object, name);
    MEMBER(migrate_object, parent);
    STRUCT(migrate_holder);
    MEMBER(migrate_holder, struct_size);
    MEMBER(migrate_holder, since_ms);
    MEMBER(migrate_holder, session_id);
    MEMBER(migrate_holder, application);
    MEMBER(migrate_holder, host);
    MEMBER(migrate_holder, user);
    MEMBER(migrate_holder, doing);
}

static void print_driver(void)
{
    STRUCT(migrate_driver);
    MEMBER(migrate_driver, struct_size);
    MEMBER(migrate_driver, api);
    MEMBER(migrate_driver, dialect);
    MEMBER(migrate_driver, name);
    MEMBER(migrate_driver, schemes);
    MEMBER(migrate_driver, options);
    MEMBER(migrate_driver, open);
    MEMBER(migrate_driver, close);
    MEMBER(migrate_driver, exec);
    MEMBER(migrate_driver, info);
    MEMBER(migrate_driver, adopt);
    MEMBER(migrate_driver, begin);
    MEMBER(migrate_driver, commit);
    MEMBER(migrate_driver, rollback);
    MEMBER(migrate_driver, exec_batch);
    MEMBER(migrate_driver, try_lock);
    MEMBER(migrate_driver, unlock);
    MEMBER(migrate_driver, lock_holder);
    MEMBER(migrate_driver, session_state);
    MEMBER(migrate_driver, session_end);
    MEMBER(migrate_driver, fingerprint);
    MEMBER(migrate_driver, describe);
    MEMBER(migrate_driver, reset);
    MEMBER(migrate_driver, split);
    MEMBER(migrate_driver, dialect_of);
}

static void print_source(void)
{
    STRUCT(migrate_entry);
    MEMBER(migrate_entry, struct_size);
    MEMBER(migrate_entry, flags);
    MEMBER(migrate_entry, reserved);
    MEMBER(migrate_entry, path);
    MEMBER(migrate_entry, size);
    MEMBER(migrate_entry, cookie);
    MEMBER(migrate_entry, checksum);
    STRUCT(migrate_executor);
    MEMBER(migrate_executor, struct_size);
    MEMBER(migrate_executor, self);
    MEMBER(migrate_executor, exec);
    MEMBER(migrate_executor, tick);
    STRUCT(migrate_source_ops);
    MEMBER(migrate_source_ops, struct_size);
    MEMBER(migrate_source_ops, api);
    MEMBER(migrate_source_ops, reserved);
    MEMBER(migrate_source_ops, name);
    MEMBER(migrate_source_ops, rewind);
    MEMBER(migrate_source_ops, next);
    MEMBER(migrate_source_ops, read);
    MEMBER(migrate_source_ops, free);
    MEMBER(migrate_source_ops, run);
    MEMBER(migrate_source_ops, borrow);
    MEMBER(migrate_source_ops, create);
}

static void print_lock(void)
{
    STRUCT(migrate_lock_ops);
    MEMBER(migrate_lock_ops, struct_size);
    MEMBER(migrate_lock_ops, api);
    MEMBER(migrate_lock_ops, renew_every_ms);
    MEMBER(migrate_lock_ops, ttl_ms);
    MEMBER(migrate_lock_ops, reserved);
    MEMBER(migrate_lock_ops, name);
    MEMBER(migrate_lock_ops, acquire);
    MEMBER(migrate_lock_ops, release);
    MEMBER(migrate_lock_ops, free);
    MEMBER(migrate_lock_ops, renew);
    MEMBER(migrate_lock_ops, verify);
    MEMBER(migrate_lock_ops, inspect);
    MEMBER(migrate_lock_ops, break_lock);
}

static void print_quirks(void)
{
    STRUCT(migrate_driver_quirks);
    MEMBER(migrate_driver_quirks, struct_size);
    MEMBER(migrate_driver_quirks, quirks);
    MEMBER(migrate_driver_quirks, url);
    MEMBER(migrate_driver_quirks, options);
    MEMBER(migrate_driver_quirks, sql_slow);
    MEMBER(migrate_driver_quirks, sql_bad);
    MEMBER(migrate_driver_quirks, sql_notice);
    MEMBER(migrate_driver_quirks, user);
    MEMBER(migrate_driver_quirks, sever);
    MEMBER(migrate_driver_quirks, native_open);
    MEMBER(migrate_driver_quirks, native_close);
}

int main(void)
{
    print_options();
    print_host();
    print_credentials();
    print_statement();
    print_facts();
    print_driver();
    print_source();
    print_lock();
    print_quirks();
    return 0;
}
