/* SPDX-License-Identifier: Apache-2.0 */
#include "binding.h"

/* A plan belongs to a JavaScript object, which the calls that work on it keep alive. */

static void drop(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    migrate_plan_free(data);
}

napi_value plan_make(napi_env env, migrate_plan *plan)
{
    napi_value value = NULL;
    if (napi_create_external(env, plan, drop, NULL, &value) == napi_ok)
        return value;
    migrate_plan_free(plan);
    return NULL;
}

migrate_plan *plan_take(napi_env env, napi_value value)
{
    napi_valuetype type;
    void *plan = NULL;
    if (!value || napi_typeof(env, value, &type) != napi_ok || type != napi_external ||
        napi_get_value_external(env, value, &plan) != napi_ok)
        return NULL;
    return plan;
}
