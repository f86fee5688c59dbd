/* SPDX-License-Identifier: Apache-2.0 */
#include "layouts/names.h"

#include <string.h>

#include "util/text.h"

const char *mig_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_separator(char c)
{
    return c == '.' || c == '-' || c == '_';
}

static size_t digits(const char *text, size_t at, size_t len)
{
    while (at < len && mig_is_digit(text[at]))
        at++;
    return at;
}

size_t mig_number_len(const char *text, size_t len)
{
    size_t end = digits(text, 0, len);
    if (end == 0)
        return 0;
    while (end + 1 < len && is_separator(text[end]) && mig_is_digit(text[end + 1])) {
        size_t next = digits(text, end + 1, len);
        if (next < len && (mig_is_alpha(text[next]) || (unsigned char)text[next] >= 0x80))
            break;
        end = next;
    }
    return end;
}

void mig_name_split(const char *stem, size_t len, bool v, struct mig_named *out)
{
    size_t skip = v && len > 1 && (stem[0] == 'V' || stem[0] == 'v') && mig_is_digit(stem[1]);
    size_t number = mig_number_len(stem + skip, len - skip);
    *out = (struct mig_named){ NULL, 0, stem, len };
    if (number == 0)
        return;
    out->version = stem + skip;
    out->version_len = number;
    size_t at = skip + number;
    while (at < len && (is_separator(stem[at]) || stem[at] == ' '))
        at++;
    out->name = stem + at;
    out->name_len = len - at;
}

/* Length of the version a directory's name begins with: "v1.2", "2024", "0.16_beta"; 0 none. */
static size_t folder_version_len(const char *part, size_t len)
{
    size_t skip = len > 1 && (part[0] == 'v' || part[0] == 'V');
    size_t number = mig_number_len(part + skip, len - skip);
    return number ? skip + number : 0;
}

void mig_folder_versions(const char *path, const char *end, struct mig_buf *out)
{
    for (const char *slash; path < end && (slash = memchr(path, '/', (size_t)(end - path)));
         path = slash + 1) {
        size_t len = folder_version_len(path, (size_t)(slash - path));
        mig_buf_add(out, path, len);
        if (len)
            mig_buf_char(out, '/');
    }
}

bool mig_has_folder_version(const char *path)
{
    for (const char *slash; (slash = strchr(path, '/')); path = slash + 1)
        if (folder_version_len(path, (size_t)(slash - path)))
            return true;
    return false;
}

/* [0-9]+([._][0-9]+)* */
static size_t flyway_version_len(const char *text)
{
    size_t len = strlen(text), end = digits(text, 0, len);
    while (end > 0 && (text[end] == '.' || text[end] == '_') && mig_is_digit(text[end + 1]))
        end = digits(text, end + 1, len);
    return end;
}

bool mig_flyway_split(const char *base, struct mig_flyway_name *out)
{
    char prefix = base[0];
    if (prefix != 'V' && prefix != 'R' && prefix != 'U' && prefix != 'B')
        return false;
    size_t version = prefix == 'R' ? 0 : flyway_version_len(base + 1);
    if ((prefix != 'R' && version == 0) || base[1 + version] != '_' || base[2 + version] != '_')
        return false;
    const char *dot = strrchr(base, '.');
    size_t name_at = 3 + version, len = dot ? (size_t)(dot - base) : strlen(base);
    if (len < name_at || (prefix == 'R' && len == name_at))
        return false;
    *out = (struct mig_flyway_name){ prefix, 1, version, name_at, len - name_at };
    return true;
}

void mig_name_words(struct mig_buf *out, const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        mig_buf_char(out, name[i] == '_' ? ' ' : name[i]);
}
