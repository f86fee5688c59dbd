/* SPDX-License-Identifier: Apache-2.0 */

/* Values and names written into SQL. A migration may have set any sql_mode and character set, so a literal must
 * mean the same under all of them. */

#include "drivers/mysql/packet.h"
#include "util/text.h"

static bool is_plain(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c < 0x20 || c > 0x7e || c == '\\')
            return false;
    }
    return len > 0; /* '' is NULL under MariaDB's EMPTY_STRING_IS_NULL */
}

static void add_hex(struct mig_buf *out, const char *value, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    mig_buf_str(out, "X'");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        mig_buf_char(out, digits[c >> 4]);
        mig_buf_char(out, digits[c & 15]);
    }
    mig_buf_char(out, '\'');
}

void mig_my_literal(struct mig_buf *out, const char *value, size_t len)
{
    if (!value) {
        mig_buf_str(out, "NULL");
        return;
    }
    if (!is_plain(value, len)) {
        if (mig_utf8_valid(value, len, NULL))
            mig_buf_str(out, "_utf8mb4 ");
        add_hex(out, value, len);
        return;
    }
    mig_buf_char(out, '\'');
    for (size_t i = 0; i < len; i++) {
        if (value[i] == '\'')
            mig_buf_char(out, '\'');
        mig_buf_char(out, value[i]);
    }
    mig_buf_char(out, '\'');
}

void mig_my_identifier(struct mig_buf *out, const char *name, size_t len)
{
    mig_buf_char(out, '`');
    for (size_t i = 0; i < len; i++) {
        if (name[i] == '`')
            mig_buf_char(out, '`');
        mig_buf_char(out, name[i]);
    }
    mig_buf_char(out, '`');
}
