/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/base64.h"

#include <stdint.h>
#include <string.h>

static int value_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

bool mig_base64_decode(const char *text, size_t len, struct mig_buf *out)
{
    if (len % 4 != 0 || !mig_buf_reserve(out, len / 4 * 3))
        return false;
    for (size_t i = 0; i < len; i += 4) {
        bool last = i + 4 == len;
        int pad = last && text[i + 3] == '=' ? 1 + (text[i + 2] == '=') : 0;
        uint32_t bits = 0;
        for (int k = 0; k < 4; k++) {
            int v = k >= 4 - pad ? 0 : value_of(text[i + (size_t)k]);
            if (v < 0)
                return false;
            bits = bits << 6 | (uint32_t)v;
        }
        const char bytes[3] = { (char)(bits >> 16), (char)(bits >> 8), (char)bits };
        mig_buf_add(out, bytes, (size_t)(3 - pad));
    }
    return !out->oom;
}
