/* SPDX-License-Identifier: Apache-2.0 */
#include "layouts/placeholders.h"

#include <string.h>

#include "layouts/names.h"
#include "util/text.h"

bool mig_placeholders_wanted(const struct mig_migration *m, const struct mig_layout_options *o)
{
    if (m->flags & (MIG_MIGRATION_CODE | MIG_MIGRATION_LITERAL))
        return false;
    return o->any_placeholder || (m->flags & MIG_MIGRATION_PLACEHOLDERS);
}

static const char *property(const struct mig_set *set, const struct mig_migration *m, const char *name,
                            size_t len)
{
    for (size_t i = 0; i < set->n_properties; i++) {
        const struct mig_property *p = &set->properties[i];
        if (strlen(p->name) == len && memcmp(p->name, name, len) == 0 &&
            (!p->path || strcmp(p->path, m->up.path) == 0))
            return p->value;
    }
    return NULL;
}

const char *mig_placeholder_value(const struct mig_set *set, const struct mig_migration *m,
                                  const struct mig_layout_options *o, const char *name, size_t len)
{
    const char *value = o->placeholder ? o->placeholder(o->placeholder_user, name, len) : NULL;
    if (!value)
        value = property(set, m, name, len);
    if (!value && len == 15 && memcmp(name, "flyway:filename", 15) == 0)
        value = mig_basename(m->up.path);
    return value;
}

static bool is_name_char(char c)
{
    return mig_is_alpha(c) || mig_is_digit(c) || c == '_' || c == '.' || c == '-' || c == ':';
}

size_t mig_placeholder_len(const char *text, size_t len)
{
    if (len < 2)
        return SIZE_MAX;
    if (text[1] != '{')
        return 0;
    size_t at = 2;
    while (at < len && is_name_char(text[at]) && at < 2 + MIG_PLACEHOLDER_MAX)
        at++;
    if (at == len)
        return SIZE_MAX;
    return text[at] == '}' && at > 2 ? at + 1 : 0;
}
