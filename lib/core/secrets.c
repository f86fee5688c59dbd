/* SPDX-License-Identifier: Apache-2.0 */
#include "core/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/mem.h"
#include "util/text.h"

static const char mask[] = "***";
enum { MASK_LEN = sizeof mask - 1 };

static bool known(const struct mig_secrets *s, const char *text)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->texts[i], text) == 0)
            return true;
    return false;
}

/* Longest first, so that a secret which is part of another never leaves the rest of that one in the open.
 * Takes
 * @p copy over. */
static bool insert(struct mig_secrets *s, char *copy)
{
    if (!copy)
        return false;
    if (known(s, copy)) {
        mig_wipe_free(copy);
        return true;
    }
    if (!mig_grow(&s->texts, &s->cap, s->n + 1, sizeof *s->texts)) {
        mig_wipe_free(copy);
        return false;
    }
    size_t at = s->n++;
    for (; at > 0 && strlen(s->texts[at - 1]) < strlen(copy); at--)
        s->texts[at] = s->texts[at - 1];
    s->texts[at] = copy;
    return true;
}

static bool unreserved(char c)
{
    return mig_is_alpha(c) || mig_is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static char *encoded(const char *text)
{
    struct mig_buf out = MIG_BUF_INIT;
    /* At once: growing would leave parts of the secret in freed memory. */
    (void)mig_buf_reserve(&out, strlen(text) * 3);
    for (; *text; text++) {
        if (unreserved(*text))
            mig_buf_char(&out, *text);
        else
            mig_buf_fmt(&out, "%%%02X", (unsigned char)*text);
    }
    return mig_buf_steal(&out);
}

bool mig_secrets_add(struct mig_secrets *s, const char *text)
{
    if (!text || strlen(text) < MASK_LEN)
        return true;
    return insert(s, mig_strdup(text)) && insert(s, encoded(text));
}

void mig_secrets_free(struct mig_secrets *s)
{
    for (size_t i = 0; i < s->n; i++)
        mig_wipe_free(s->texts[i]);
    free(s->texts);
    *s = (struct mig_secrets){ NULL, 0, 0 };
}

/* In place, for the mask is never longer than what it hides. */
static void hide(char *text, const char *secret)
{
    size_t len = strlen(secret);
    char *from = text, *to = text;
    for (char *hit; (hit = strstr(from, secret)) != NULL; from = hit + len) {
        memmove(to, from, (size_t)(hit - from));
        to += hit - from;
        memcpy(to, mask, MASK_LEN);
        to += MASK_LEN;
    }
    if (from != text)
        memmove(to, from, strlen(from) + 1);
}

void mig_secrets_hide(const struct mig_secrets *s, char *text)
{
    if (!s || !text)
        return;
    for (size_t i = 0; i < s->n; i++)
        hide(text, s->texts[i]);
}

static bool any_in(const struct mig_secrets *s, const char *text)
{
    for (size_t i = 0; i < s->n; i++)
        if (strstr(text, s->texts[i]))
            return true;
    return false;
}

char *mig_secrets_mask(const struct mig_secrets *s, const char *text, bool *oom)
{
    *oom = false;
    if (!text || !any_in(s, text))
        return NULL;
    char *copy = mig_strdup(text);
    if (copy)
        mig_secrets_hide(s, copy);
    else
        *oom = true;
    return copy;
}
