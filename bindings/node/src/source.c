/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "binding.h"

/* A source in JavaScript: it is asked for everything at each rewind, and the answer is held here. An entry is
 * five texts: path, text (null: code), checksum or null, flags, number of the code. */

#define WIDTH 5

struct source {
    struct handle *handle;
    struct talk   *talk; /* its texts are the entries */
    size_t         next;
};

static void let_go(struct source *s)
{
    if (s->talk)
        talk_unref(s->talk);
    s->talk = NULL;
    s->next = 0;
}

static migrate_status rewind_source(void *self, const migrate_host *host, migrate_error **err)
{
    struct source *s = self;
    struct message *message;
    migrate_status status = MIGRATE_OK;
    struct waiting waiting = { host, s->handle->ctx };
    let_go(s);
    s->talk = s->handle->calling ? talk_new() : NULL;
    message = s->talk ? message_new(s->handle->calling, MESSAGE_LIST, s->talk) : NULL;
    if (!message)
        return migrate_error_make(err, MIGRATE_E_NOMEM, "out of memory", NULL);
    enum talk_said said = message_ask(message, message_tick, &waiting, &status);
    talk_close(s->talk);
    if (said == SAID_ANSWER && s->talk->status == 0)
        return MIGRATE_OK;
    status = said == SAID_ANSWER ? talk_failure(s->talk, err) : message_unheard(status, "the source", err);
    let_go(s);
    return status;
}

static const migrate_text *row(const struct source *s, uint64_t cookie)
{
    if (!s->talk || (cookie + 1) * WIDTH > s->talk->texts.n)
        return NULL;
    return s->talk->texts.at + cookie * WIDTH;
}

static migrate_status next_entry(void *self, const migrate_host *host, migrate_entry *out, migrate_error **err)
{
    struct source *s = self;
    const migrate_text *at = row(s, s->next);
    (void)host;
    (void)err;
    if (!at)
        return MIGRATE_DONE;
    out->cookie = s->next++;
    out->path = at[0];
    out->size = at[1].len;
    if (!at[1].data) {
        out->flags = MIGRATE_ENTRY_CODE | (uint32_t)strtoul(at[3].data ? at[3].data : "0", NULL, 10);
        out->checksum = at[2].data;
    }
    return MIGRATE_OK;
}

static migrate_status read_entry(void *self, const migrate_host *host, const migrate_entry *entry,
                                 uint64_t offset, char *buf, size_t cap, size_t *got, migrate_error **err)
{
    const migrate_text *at = row(self, entry->cookie);
    (void)host;
    if (!at || !at[1].data)
        return migrate_error_make(err, MIGRATE_E_SOURCE, "this entry has no text", NULL);
    *got = offset < at[1].len ? at[1].len - (size_t)offset : 0;
    if (*got > cap)
        *got = cap;
    if (*got > 0)
        memcpy(buf, at[1].data + offset, *got);
    return MIGRATE_OK;
}

static migrate_status run_entry(void *self, const migrate_host *host, const migrate_entry *entry,
                                uint32_t direction, migrate_executor *x, migrate_error **err)
{
    struct source *s = self;
    const migrate_text *at = row(s, entry->cookie);
    (void)host;
    if (!at || !at[4].data)
        return migrate_error_make(err, MIGRATE_E_SOURCE, "this entry has no code", NULL);
    return code_run(s->handle, strtoull(at[4].data, NULL, 10), direction, x, err);
}

static void free_source(void *self)
{
    let_go(self);
    free(self);
}

static const migrate_source_ops ops = {
    .struct_size = sizeof ops,
    .api = MIGRATE_SOURCE_API,
    .name = "javascript",
    .rewind = rewind_source,
    .next = next_entry,
    .read = read_entry,
    .free = free_source,
    .run = run_entry,
};

napi_value js_use_source(napi_env env, napi_callback_info info)
{
    size_t argc = 0;
    migrate_error *err = NULL;
    migrate_status status;
    struct handle *handle = this_handle(env, info, &argc, NULL, true);
    struct source *source = handle ? calloc(1, sizeof *source) : NULL;
    if (!source)
        return handle ? fail(env, "libmigrate: out of memory") : NULL;
    source->handle = handle;
    status = migrate_ctx_use_source(handle->ctx, &ops, source, &err);
    return status == MIGRATE_OK ? NULL : throw_failure(env, status, err);
}
