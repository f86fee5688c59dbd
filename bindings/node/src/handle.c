/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "binding.h"
#include "handle.h"

static void drop(napi_env env, void *data, void *hint)
{
    struct handle *handle = data;
    (void)env;
    (void)hint;
    migrate_ctx_free(handle->ctx);
    free(handle);
}

napi_value js_handle(napi_env env, napi_callback_info info)
{
    napi_value self = NULL;
    migrate_error *err = NULL;
    struct handle *handle = calloc(1, sizeof *handle);
    migrate_status status;
    if (!handle)
        return fail(env, "libmigrate: out of memory");
    status = migrate_ctx_new(&handle->ctx, &err);
    if (status != MIGRATE_OK) {
        free(handle);
        return throw_failure(env, status, err);
    }
    migrate_ctx_on_event(handle->ctx, on_event, handle, NULL);
    napi_get_cb_info(env, info, NULL, NULL, &self, NULL);
    if (napi_wrap(env, self, handle, drop, NULL, NULL) != napi_ok) {
        drop(env, handle, NULL);
        return fail(env, "libmigrate: not a constructor call");
    }
    return self;
}

static napi_value done(napi_env env, migrate_status status, migrate_error *err)
{
    return status == MIGRATE_OK ? NULL : throw_failure(env, status, err);
}

/* set(key, value or null) */
static napi_value js_set(napi_env env, napi_callback_info info)
{
    size_t argc = 2;
    napi_value argv[2] = { NULL };
    migrate_error *err = NULL;
    struct handle *handle = this_handle(env, info, &argc, argv, true);
    if (!handle)
        return NULL;
    char *key = take_text(env, argv[0], NULL), *value = take_text(env, argv[1], NULL);
    migrate_status status = migrate_ctx_set(handle->ctx, key, value, &err);
    free(key);
    free(value);
    return done(env, status, err);
}

static napi_value js_get(napi_env env, napi_callback_info info)
{
    size_t argc = 1;
    napi_value argv[1] = { NULL }, value;
    struct handle *handle = this_handle(env, info, &argc, argv, true);
    char *key = handle ? take_text(env, argv[0], NULL) : NULL;
    if (!key)
        return handle ? fail(env, "get() takes the key of an option") : NULL;
    value = make_string(env, migrate_ctx_get(handle->ctx, key));
    free(key);
    return value;
}

static napi_value js_use_dir(napi_env env, napi_callback_info info)
{
    size_t argc = 1;
    napi_value argv[1] = { NULL };
    migrate_error *err = NULL;
    struct handle *handle = this_handle(env, info, &argc, argv, true);
    if (!handle)
        return NULL;
    char *path = take_text(env, argv[0], NULL);
    migrate_status status = migrate_ctx_use_dir(handle->ctx, path, &err);
    free(path);
    return done(env, status, err);
}

/* addFile(path, text) */
static napi_value js_add_file(napi_env env, napi_callback_info info)
{
    size_t argc = 2, len = 0;
    napi_value argv[2] = { NULL };
    migrate_error *err = NULL;
    struct handle *handle = this_handle(env, info, &argc, argv, true);
    if (!handle)
        return NULL;
    char *path = take_text(env, argv[0], NULL), *text = take_text(env, argv[1], &len);
    migrate_status status = migrate_ctx_add_file(handle->ctx, path, text, len, &err);
    free(path);
    free(text);
    return done(env, status, err);
}

/* loadDriver(file, name, search) */
static napi_value js_load_driver(napi_env env, napi_callback_info info)
{
    size_t argc = 3;
    napi_value argv[3] = { NULL };
    bool search = false;
    migrate_error *err = NULL;
    struct handle *handle = this_handle(env, info, &argc, argv, true);
    if (!handle)
        return NULL;
    char *file = take_text(env, argv[0], NULL), *name = take_text(env, argv[1], NULL);
    napi_get_value_bool(env, argv[2], &search);
    migrate_status status = migrate_ctx_load_driver(handle->ctx, file, name, search ? MIGRATE_LOAD_SEARCH : 0, &err);
    free(file);
    free(name);
    return done(env, status, err);
}

/* addDriver(name): is it in libmigrate itself? */
static napi_value js_add_driver(napi_env env, napi_callback_info info)
{
    size_t argc = 1;
    napi_value argv[1] = { NULL }, value = NULL;
    migrate_error *err = NULL;
    struct handle *handle = this_handle(env, info, &argc, argv, true);
    char *name = handle ? take_text(env, argv[0], NULL) : NULL;
    if (!name)
        return handle ? fail(env, "addDriver() takes a name") : NULL;
    migrate_status status = library_add_driver(handle->ctx, name, &err);
    free(name);
    if (status != MIGRATE_OK && status != MIGRATE_E_LOAD)
        return throw_failure(env, status, err);
    napi_get_boolean(env, status == MIGRATE_OK, &value);
    return value;
}

/* listen(events, credentials): what JavaScript wants to be asked and told. */
static napi_value js_listen(napi_env env, napi_callback_info info)
{
    size_t argc = 2;
    napi_value argv[2] = { NULL };
    bool login = false;
    struct handle *handle = this_handle(env, info, &argc, argv, true);
    if (!handle)
        return NULL;
    napi_get_value_bool(env, argv[0], &handle->on_event);
    napi_get_value_bool(env, argv[1], &login);
    migrate_ctx_on_credentials(handle->ctx, login ? on_login : NULL, handle, NULL);
    return NULL;
}

static napi_value js_stop(napi_env env, napi_callback_info info)
{
    size_t argc = 0;
    struct handle *handle = this_handle(env, info, &argc, NULL, false);
    if (handle)
        migrate_ctx_stop(handle->ctx);
    return NULL;
}

static napi_value js_cancel(napi_env env, napi_callback_info info)
{
    size_t argc = 0;
    struct handle *handle = this_handle(env, info, &argc, NULL, false);
    if (handle)
        migrate_ctx_cancel(handle->ctx);
    return NULL;
}

static napi_value js_resume(napi_env env, napi_callback_info info)
{
    size_t argc = 0;
    struct handle *handle = this_handle(env, info, &argc, NULL, true);
    if (handle)
        migrate_ctx_resume(handle->ctx);
    return NULL;
}

#define METHOD(name, fn) { name, NULL, fn, NULL, NULL, NULL, napi_default, NULL }

const napi_property_descriptor handle_methods[] = {
    METHOD("set", js_set),          METHOD("get", js_get),
    METHOD("useDir", js_use_dir),   METHOD("useSource", js_use_source),
    METHOD("addFile", js_add_file), METHOD("addCode", js_add_code),
    METHOD("listen", js_listen),    METHOD("loadDriver", js_load_driver),
    METHOD("start", js_start),      METHOD("stop", js_stop),
    METHOD("cancel", js_cancel),    METHOD("resume", js_resume),
    METHOD("useLock", js_use_lock), METHOD("addDriver", js_add_driver),
};
const size_t handle_methods_count = sizeof handle_methods / sizeof *handle_methods;
