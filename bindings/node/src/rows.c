/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "binding.h"

/* One row after the other in one piece of memory: n, then n times (length or -1, bytes). */
struct rows {
    char   *data;
    size_t  len, cap;
    size_t  count;
    bool    failed;
};

struct rows *rows_new(void)
{
    return calloc(1, sizeof(struct rows));
}

void rows_free(struct rows *rows)
{
    if (rows)
        free(rows->data);
    free(rows);
}

bool rows_whole(const struct rows *rows)
{
    return !rows->failed;
}

static void put(struct rows *rows, const void *data, size_t n)
{
    if (rows->failed || n == 0)
        return;
    if (rows->cap - rows->len < n) {
        size_t cap = (rows->cap + n) * 2;
        char *grown = realloc(rows->data, cap);
        if (!grown) {
            rows->failed = true;
            return;
        }
        rows->data = grown;
        rows->cap = cap;
    }
    memcpy(rows->data + rows->len, data, n);
    rows->len += n;
}

int32_t rows_add(void *user, uint32_t n, const migrate_text *cols)
{
    struct rows *rows = user;
    put(rows, &n, sizeof n);
    for (uint32_t i = 0; i < n; i++) {
        int64_t len = cols[i].data ? (int64_t)cols[i].len : -1;
        put(rows, &len, sizeof len);
        if (len > 0)
            put(rows, cols[i].data, (size_t)len);
    }
    rows->count++;
    return rows->failed;
}

static napi_value make_cell(napi_env env, const char **at)
{
    int64_t len;
    const char *text;
    memcpy(&len, *at, sizeof len);
    text = *at + sizeof len;
    *at = text + (len > 0 ? len : 0);
    return make_text(env, len < 0 ? NULL : text, len < 0 ? 0 : (size_t)len);
}

napi_value rows_make(napi_env env, const struct rows *rows)
{
    napi_value all = NULL;
    const char *at = rows ? rows->data : NULL;
    napi_create_array(env, &all);
    for (size_t r = 0; rows && r < rows->count; r++) {
        napi_value row = NULL;
        uint32_t n;
        memcpy(&n, at, sizeof n);
        at += sizeof n;
        napi_create_array_with_length(env, n, &row);
        for (uint32_t i = 0; i < n; i++)
            napi_set_element(env, row, i, make_cell(env, &at));
        napi_set_element(env, all, (uint32_t)r, row);
    }
    return all;
}
