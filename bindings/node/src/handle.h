/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HANDLE_H
#define HANDLE_H

#include "binding.h"

/** The constructor of the class that wraps a context, and its methods. */
napi_value js_handle(napi_env env, napi_callback_info info);
extern const napi_property_descriptor handle_methods[];
extern const size_t handle_methods_count;

#endif /* HANDLE_H */
