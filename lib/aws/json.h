/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_JSON_H
#define MIG_AWS_JSON_H

/* Reading JSON that may hold secrets. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* NULL when it is not JSON (or memory is out); duplicate keys are not. */
json_t *mig_json_read(const char *text, size_t len);
/* Text of member @p key of object @p o, NULL if it is none. */
const char *mig_json_text(const json_t *o, const char *key);
/* Overwrites every text inside before giving it up; NULL is allowed. */
void mig_json_drop(json_t *value);

#endif
