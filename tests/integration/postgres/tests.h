/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_PG_TESTS_H
#define TEST_PG_TESTS_H

#include <check.h>

#include "host.h"

TCase *new_case(Suite *s, const char *name, SFun setup, SFun teardown);

void add_exec(Suite *s);
void add_batch(Suite *s);
void add_connect(Suite *s);
void add_lock(Suite *s);
void add_probe(Suite *s);
void add_adopt(Suite *s);
void add_bouncer(Suite *s);

#endif
