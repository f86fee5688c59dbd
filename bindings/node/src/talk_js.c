/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "binding.h"

/* What JavaScript can say in a talk: exec(talk, sql, params) and answer(talk, ok, message, values). */

static void drop(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    talk_unref(data);
}

napi_value talk_make(napi_env env, struct talk *talk)
{
    napi_value value = NULL;
    if (!talk)
        return NULL;
    if (napi_create_external(env, talk_ref(talk), drop, NULL, &value) != napi_ok)
        talk_unref(talk);
    return value;
}

static struct talk *this_talk(napi_env env, napi_value value)
{
    void *talk = NULL;
    napi_valuetype type;
    if (napi_typeof(env, value, &type) != napi_ok || type != napi_external ||
        napi_get_value_external(env, value, &talk) != napi_ok)
        return NULL;
    return talk;
}

/* Puts @p said down if the call still listens and has heard nothing; else the texts stay the caller's. */
static bool say(struct talk *talk, enum talk_said said, char *sql, size_t len, struct texts *texts)
{
    bool heard;
    pthread_mutex_lock(&talk->mutex);
    heard = !talk->closed && talk->said == SAID_NOTHING;
    if (heard) {
        talk->said = said;
        if (said == SAID_EXEC) {
            talk->sql = sql;
            talk->sql_len = len;
        } else {
            talk->message = sql;
        }
        talk->texts = *texts;
        pthread_cond_signal(&talk->cond);
    }
    pthread_mutex_unlock(&talk->mutex);
    return heard;
}

static napi_value say_or_free(napi_env env, struct talk *talk, enum talk_said said, char *text, size_t len,
                              struct texts *texts)
{
    napi_value heard = NULL;
    bool yes = say(talk, said, text, len, texts);
    if (!yes) {
        free(text);
        texts_free(texts);
    }
    napi_get_boolean(env, yes, &heard);
    return heard;
}

napi_value js_exec(napi_env env, napi_callback_info info)
{
    size_t argc = 3, len = 0;
    napi_value argv[3] = { NULL };
    struct texts texts;
    struct talk *talk;
    napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
    talk = this_talk(env, argv[0]);
    char *sql = talk ? take_text(env, argv[1], &len) : NULL;
    if (!sql)
        return fail(env, "execute() takes SQL, and an array of values");
    if (!texts_take(env, argv[2], &texts)) {
        free(sql);
        return fail(env, "a value of execute() is neither text nor null");
    }
    return say_or_free(env, talk, SAID_EXEC, sql, len, &texts);
}

/* status 0 is done; a negative one is an exception; another is the failed statement's, passed on. */
napi_value js_answer(napi_env env, napi_callback_info info)
{
    size_t argc = 4;
    napi_value argv[4] = { NULL };
    struct texts texts;
    int32_t status = 0;
    struct talk *talk;
    napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
    talk = this_talk(env, argv[0]);
    if (!talk || napi_get_value_int32(env, argv[1], &status) != napi_ok)
        return fail(env, "answer(talk, status, message, values)");
    if (!texts_take(env, argv[3], &texts))
        return fail(env, "a value of the answer is neither text nor null");
    pthread_mutex_lock(&talk->mutex);
    talk->status = status;
    pthread_mutex_unlock(&talk->mutex);
    return say_or_free(env, talk, SAID_ANSWER, take_text(env, argv[2], NULL), 0, &texts);
}
