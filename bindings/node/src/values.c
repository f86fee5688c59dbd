/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "binding.h"

napi_value fail(napi_env env, const char *message)
{
    bool pending = false;
    napi_is_exception_pending(env, &pending);
    if (!pending)
        napi_throw_error(env, NULL, message);
    return NULL;
}

static char *take_bytes(const void *data, size_t n, size_t *len)
{
    char *text = malloc(n + 1);
    if (!text)
        return NULL;
    if (n > 0)
        memcpy(text, data, n);
    text[n] = 0;
    if (len)
        *len = n;
    return text;
}

char *take_text(napi_env env, napi_value value, size_t *len)
{
    size_t n = 0;
    bool buffer = false;
    void *data = NULL;
    if (napi_is_buffer(env, value, &buffer) == napi_ok && buffer)
        return napi_get_buffer_info(env, value, &data, &n) == napi_ok ? take_bytes(data, n, len) : NULL;
    if (napi_get_value_string_utf8(env, value, NULL, 0, &n) != napi_ok)
        return NULL;
    char *text = malloc(n + 1);
    if (text && napi_get_value_string_utf8(env, value, text, n + 1, &n) != napi_ok) {
        free(text);
        return NULL;
    }
    if (text && len)
        *len = n;
    return text;
}

char *take_member(napi_env env, napi_value object, const char *name)
{
    napi_value value;
    if (napi_get_named_property(env, object, name, &value) != napi_ok)
        return NULL;
    return take_text(env, value, NULL);
}

int64_t take_number(napi_env env, napi_value object, const char *name)
{
    napi_value value;
    int64_t number = 0;
    if (napi_get_named_property(env, object, name, &value) != napi_ok ||
        napi_get_value_int64(env, value, &number) != napi_ok)
        return 0;
    return number;
}

napi_value make_text(napi_env env, const char *text, size_t len)
{
    napi_value value = NULL;
    if (text)
        napi_create_string_utf8(env, text, len, &value);
    else
        napi_get_null(env, &value);
    return value;
}

napi_value make_string(napi_env env, const char *text)
{
    return make_text(env, text, NAPI_AUTO_LENGTH);
}

void set_member(napi_env env, napi_value object, const char *name, napi_value value)
{
    if (object && value)
        napi_set_named_property(env, object, name, value);
}

napi_value make_failure(napi_env env, migrate_status status, const migrate_error *err)
{
    napi_value object = NULL, number = NULL;
    napi_create_object(env, &object);
    napi_create_int32(env, status, &number);
    set_member(env, object, "status", number);
    set_member(env, object, "name", make_string(env, migrate_status_name(status)));
    set_member(env, object, "json", make_string(env, err ? migrate_error_json(err) : NULL));
    set_member(env, object, "text",
               make_string(env, err ? migrate_error_text(err) : migrate_status_text(status)));
    return object;
}

napi_value throw_failure(napi_env env, migrate_status status, migrate_error *err)
{
    napi_throw(env, make_failure(env, status, err));
    migrate_error_free(err);
    return NULL;
}

struct handle *this_handle(napi_env env, napi_callback_info info, size_t *argc, napi_value *argv, bool idle)
{
    napi_value self;
    void *found = NULL;
    struct handle *handle;
    if (napi_get_cb_info(env, info, argc, argv, &self, NULL) != napi_ok ||
        napi_unwrap(env, self, &found) != napi_ok || !found) {
        fail(env, "libmigrate: not a handle");
        return NULL;
    }
    handle = found;
    if (!handle->ctx) {
        fail(env, "libmigrate: this Migrator is closed");
        return NULL;
    }
    if (idle && handle->job) {
        fail(env, "libmigrate: a call is under way");
        return NULL;
    }
    return handle;
}
