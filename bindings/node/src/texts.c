/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "binding.h"

static bool take_one(napi_env env, napi_value array, uint32_t i, migrate_text *out)
{
    napi_value value;
    napi_valuetype type;
    size_t len = 0;
    if (napi_get_element(env, array, i, &value) != napi_ok || napi_typeof(env, value, &type) != napi_ok)
        return false;
    if (type == napi_null || type == napi_undefined)
        return true;
    char *text = take_text(env, value, &len);
    out->data = text;
    out->len = len;
    return text != NULL;
}

bool texts_take(napi_env env, napi_value array, struct texts *out)
{
    uint32_t n = 0;
    bool is_array = false;
    out->at = NULL;
    out->n = 0;
    if (!array || napi_is_array(env, array, &is_array) != napi_ok || !is_array)
        return true;
    if (napi_get_array_length(env, array, &n) != napi_ok)
        return false;
    out->at = calloc(n ? n : 1, sizeof *out->at);
    if (!out->at)
        return false;
    for (out->n = 0; out->n < n; out->n++)
        if (!take_one(env, array, (uint32_t)out->n, &out->at[out->n])) {
            texts_free(out);
            return false;
        }
    return true;
}

void texts_free(struct texts *texts)
{
    for (size_t i = 0; i < texts->n; i++)
        free((void *)(uintptr_t)texts->at[i].data);
    free(texts->at);
    texts->at = NULL;
    texts->n = 0;
}

bool texts_copy(struct texts *out, const char *const *strings, size_t n)
{
    out->n = 0;
    out->at = calloc(n ? n : 1, sizeof *out->at);
    if (!out->at)
        return false;
    for (; out->n < n; out->n++) {
        const char *string = strings[out->n];
        char *copy = string ? strdup(string) : NULL;
        if (string && !copy) {
            texts_free(out);
            return false;
        }
        out->at[out->n] = (migrate_text){ copy, copy ? strlen(copy) : 0 };
    }
    return true;
}

napi_value texts_make(napi_env env, const struct texts *texts)
{
    napi_value array = NULL;
    napi_create_array_with_length(env, texts->n, &array);
    for (size_t i = 0; array && i < texts->n; i++)
        napi_set_element(env, array, (uint32_t)i, make_text(env, texts->at[i].data, texts->at[i].len));
    return array;
}
