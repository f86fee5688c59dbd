/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_CORE_SECRETS_H
#define MIG_CORE_SECRETS_H

/* Texts that must never be shown: passwords of URLs and of credentials. Wiped when dropped. */

#include <stdbool.h>
#include <stddef.h>

struct mig_secrets {
    char **texts;
    size_t n, cap;
};

/* Ignores NULL and texts shorter than 3 bytes (masking those would garble everything). false: memory. Adds the
 * percent-encoded form too where it differs. */
bool mig_secrets_add(struct mig_secrets *s, const char *text);
void mig_secrets_free(struct mig_secrets *s);
/* NULL when @p text holds none (the usual case: nothing allocated), else a masked copy; on failed allocation a
 * static-free copy is impossible, so *@p oom is set and NULL returned: show nothing then. */
char *mig_secrets_mask(const struct mig_secrets *s, const char *text, bool *oom);

/* Masks in place, which needs no memory. Both may be NULL. */
void mig_secrets_hide(const struct mig_secrets *s, char *text);

#endif
