/* SPDX-License-Identifier: Apache-2.0 */
#include "layouts/conf.h"

#include <string.h>

#include "util/text.h"

/* One `key = value` line. */
struct setting {
    struct mig_reading *r;
    const struct mig_file *f;
    uint64_t line;
    const char *key, *value;
    size_t key_len, value_len;
    struct mig_migration *m;
    bool down; /* counts for the way down */
};

static int32_t fail(const struct setting *s, const char *hint, const char *what)
{
    return mig_reading_fail(s->r, MIGRATE_E_DIRECTIVE, s->f->path, s->line, hint, "%s: %.*s = %.*s", what,
                            (int)(s->key_len < 100 ? s->key_len : 100), s->key,
                            (int)(s->value_len < 100 ? s->value_len : 100), s->value);
}

static int32_t read_bool(const struct setting *s, bool *out)
{
    *out = mig_ieqn(s->value, s->value_len, "true");
    if (*out || mig_ieqn(s->value, s->value_len, "false"))
        return MIGRATE_OK;
    return fail(s, "it takes true or false", "neither true nor false");
}

static int32_t set_transaction(const struct setting *s, bool up, bool down)
{
    bool on;
    int32_t status = read_bool(s, &on);
    if (status)
        return status;
    struct mig_directives *d = mig_own_directives(s->r, s->m);
    if (!d)
        return MIGRATE_E_NOMEM;
    if (up)
        d->tx_up = on ? MIG_TX_ON : MIG_TX_OFF;
    if (down)
        d->tx_down = on ? MIG_TX_ON : MIG_TX_OFF;
    return MIGRATE_OK;
}

static int32_t apply_flyway(const struct setting *s)
{
    bool on = true;
    int32_t status = MIGRATE_OK;
    if (mig_ieqn(s->key, s->key_len, "executeInTransaction"))
        return set_transaction(s, !s->down, s->down);
    if (mig_ieqn(s->key, s->key_len, "placeholderReplacement")) {
        status = read_bool(s, &on);
        if (!status && !on)
            s->m->flags = (s->m->flags & ~(uint32_t)MIG_MIGRATION_PLACEHOLDERS) | MIG_MIGRATION_LITERAL;
        return status;
    }
    if (mig_ieqn(s->key, s->key_len, "encoding"))
        return mig_ieqn(s->value, s->value_len, "UTF-8") || mig_ieqn(s->value, s->value_len, "UTF8")
                   ? MIGRATE_OK
                   : fail(s, "save the file as UTF-8", "no other encoding than UTF-8 is read");
    if (mig_ieqn(s->key, s->key_len, "shouldExecute"))
        return mig_ieqn(s->value, s->value_len, "true")
                   ? MIGRATE_OK
                   : fail(s, "remove it, or the migration", "conditions are not supported");
    return fail(s, "known are executeInTransaction, placeholderReplacement and encoding", "unknown setting");
}

static int32_t apply_metadata(const struct setting *s)
{
    if (mig_ieqn(s->key, s->key_len, "run_in_transaction"))
        return set_transaction(s, true, true);
    return MIGRATE_OK;
}

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && ((*text)[0] == ' ' || (*text)[0] == '\t')) {
        ++*text;
        --*len;
    }
    while (*len > 0 && strchr(" \t\r", (*text)[*len - 1]))
        --*len;
}

static int32_t apply_line(struct setting *s, const char *text, size_t len,
                          int32_t (*apply)(const struct setting *))
{
    trim(&text, &len);
    if (len == 0 || *text == '#' || *text == '!' || *text == '[')
        return MIGRATE_OK;
    const char *equals = memchr(text, '=', len);
    s->key = text;
    s->key_len = equals ? (size_t)(equals - text) : len;
    s->value = equals ? equals + 1 : text + len;
    s->value_len = equals ? len - s->key_len - 1 : 0;
    trim(&s->key, &s->key_len);
    trim(&s->value, &s->value_len);
    return equals ? apply(s) : fail(s, "a line is key=value", "no setting");
}

static int32_t apply_file(struct setting *s, int32_t (*apply)(const struct setting *))
{
    const char *text;
    size_t len;
    int32_t status = mig_file_text(s->r, s->f, &text, &len);
    for (const char *end = status ? NULL : text + len; !status && text < end;) {
        const char *nl = memchr(text, '\n', (size_t)(end - text));
        s->line++;
        status = apply_line(s, text, (size_t)((nl ? nl : end) - text), apply);
        text = nl ? nl + 1 : end;
    }
    return status;
}

int32_t mig_conf_apply(struct mig_reading *r, const struct mig_file *conf, struct mig_migration *m, bool down)
{
    struct setting s = { .r = r, .f = conf, .m = m, .down = down };
    return apply_file(&s, apply_flyway);
}

int32_t mig_metadata_apply(struct mig_reading *r, const struct mig_file *toml, struct mig_migration *m)
{
    struct setting s = { .r = r, .f = toml, .m = m };
    return apply_file(&s, apply_metadata);
}
