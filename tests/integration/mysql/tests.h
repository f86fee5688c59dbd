/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_MYSQL_TESTS_H
#define TEST_MYSQL_TESTS_H

#include <check.h>

#include "host.h"

TCase *new_case(Suite *s, const char *name, SFun setup, SFun teardown);

/* A fresh database and a connection to it. */
extern struct test_host H;
extern void *C;
void connect_setup(void);
void connect_teardown(void);
/* Another connection to the same database, with a host of its own. */
void *second(struct test_host *h);

bool is_mariadb(void);

void add_exec(Suite *s);
void add_batch(Suite *s);
void add_cancel(Suite *s);
void add_facts(Suite *s);
void add_lock(Suite *s);
void add_connect(Suite *s);
void add_prove(Suite *s);

#endif
