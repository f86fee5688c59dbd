/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "binding.h"

static migrate_status take_answer(const struct talk *talk, migrate_login *login, migrate_error **err)
{
    if (talk->status != 0)
        return talk_failure(talk, err);
    for (size_t i = 0; i + 1 < talk->texts.n; i += 2) {
        migrate_status status = migrate_login_set(login, talk->texts.at[i].data, talk->texts.at[i + 1].data, err);
        if (status != MIGRATE_OK)
            return status;
    }
    return MIGRATE_OK;
}

/* A password stays in our memory no longer than it takes to hand it on. */
static void wipe(struct talk *talk)
{
    for (size_t i = 0; i < talk->texts.n; i++)
        if (talk->texts.at[i].data)
            explicit_bzero((void *)(uintptr_t)talk->texts.at[i].data, talk->texts.at[i].len);
}

migrate_status on_login(void *user, migrate_login *login, migrate_error **err)
{
    struct handle *handle = user;
    struct talk *talk = handle->calling ? talk_new() : NULL;
    struct message *message = talk ? message_new(handle->calling, MESSAGE_LOGIN, talk) : NULL;
    migrate_status status = MIGRATE_OK;
    if (!message) {
        talk_unref(talk);
        return migrate_error_make(err, MIGRATE_E_NOMEM, "out of memory", NULL);
    }
    message->text = strdup(migrate_login_url(login));
    message->number = migrate_login_reason(login);
    message->amount = migrate_login_remaining_ms(login);
    enum talk_said said = message_ask(message, message_asked, handle->ctx, &status);
    talk_close(talk);
    if (said == SAID_ANSWER)
        status = take_answer(talk, login, err);
    else
        status = message_unheard(status, "the function for credentials", err);
    wipe(talk);
    talk_unref(talk);
    return status;
}
