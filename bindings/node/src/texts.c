/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

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
