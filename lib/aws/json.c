/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/json.h"

#include <stdint.h>

#include "util/mem.h"

json_t *mig_json_read(const char *text, size_t len)
{
    json_error_t ignored;
    return json_loadb(text ? text : "", text ? len : 0, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &ignored);
}

const char *mig_json_text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static void wipe(json_t *value, unsigned depth)
{
    const char *key;
    json_t *member;
    size_t i;
    if (depth > 2048) /* deeper than jansson reads */
        return;
    if (json_is_string(value)) {
        mig_wipe((void *)(uintptr_t)json_string_value(value), json_string_length(value));
    } else if (json_is_object(value)) {
        json_object_foreach (value, key, member)
            wipe(member, depth + 1);
    } else if (json_is_array(value)) {
        json_array_foreach (value, i, member)
            wipe(member, depth + 1);
    }
}

void mig_json_drop(json_t *value)
{
    if (!value)
        return;
    wipe(value, 0);
    json_decref(value);
}
