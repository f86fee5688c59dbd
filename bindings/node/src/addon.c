/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "binding.h"
#include "handle.h"

/* A row of the library's table of options. */
static napi_value make_option(napi_env env, const migrate_option *option)
{
    napi_value row = NULL;
    napi_create_object(env, &row);
    set_member(env, row, "key", make_string(env, migrate_option_key(option)));
    set_member(env, row, "type", make_string(env, migrate_option_type(option)));
    set_member(env, row, "values", make_string(env, migrate_option_values(option)));
    set_member(env, row, "default", make_string(env, migrate_option_default(option)));
    set_member(env, row, "doc", make_string(env, migrate_option_doc(option)));
    return row;
}

static napi_value make_options(napi_env env)
{
    napi_value list = NULL;
    const migrate_option *option;
    napi_create_array(env, &list);
    for (uint32_t i = 0; (option = migrate_option_at(i)) != NULL; i++)
        napi_set_element(env, list, i, make_option(env, option));
    return list;
}

/* A library older than these headers may lack what is called here. */
static bool library_fits(napi_env env)
{
    char message[256];
    uint32_t have = migrate_version_number();
    if (have / 10000 == MIGRATE_VERSION_MAJOR && have >= MIGRATE_VERSION_NUMBER)
        return true;
    const char *hint = have < MIGRATE_VERSION_NUMBER ? "install that version or a later one"
                                                     : "install a package that was built for it";
    snprintf(message, sizeof message, "this package was built for libmigrate %s and found libmigrate %s: %s",
             MIGRATE_VERSION_STRING, migrate_version_string(), hint);
    fail(env, message);
    return false;
}

/* Node lets go of the environment of an addon before the finalizers of objects that were collected while it ended; a hook
 * that ends in a later turn keeps it until then. */
static void at_end(napi_async_cleanup_hook_handle handle, void *unused)
{
    (void)unused;
    napi_remove_async_cleanup_hook(handle);
}

NAPI_MODULE_INIT()
{
    napi_value constructor = NULL;
    napi_add_async_cleanup_hook(env, at_end, NULL, NULL);
    if (!library_fits(env))
        return NULL;
    napi_define_class(env, "Handle", NAPI_AUTO_LENGTH, js_handle, NULL, handle_methods_count, handle_methods,
                      &constructor);
    set_member(env, exports, "Handle", constructor);
    set_member(env, exports, "version", make_string(env, migrate_version_string()));
    set_member(env, exports, "options", make_options(env));
    napi_property_descriptor functions[] = {
        { "exec", NULL, js_exec, NULL, NULL, NULL, napi_default, NULL },
        { "answer", NULL, js_answer, NULL, NULL, NULL, napi_default, NULL },
    };
    napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
    return exports;
}
