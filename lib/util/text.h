/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_UTIL_TEXT_H
#define MIG_UTIL_TEXT_H

/* Small things about text: order of versions, UTF-8, letters, quoting into JSON. All ASCII rules are
 * locale-free. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mig_buf;

static inline bool mig_is_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool mig_is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static inline char mig_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

/* ASCII case folded. */
bool mig_ieq(const char *a, const char *b);
bool mig_ieqn(const char *a, size_t a_len, const char *b); /* @p a has a length, @p b ends in NUL */
bool mig_starts(const char *text, const char *prefix);
bool mig_ends(const char *text, const char *suffix);

/* Natural order: runs of digits compare as numbers of any length, all else by bytes; "1" and "01" are
 * equal. The order of versions. */
int mig_natural_cmp(const char *a, const char *b);

/* Does @p text hold well-formed UTF-8 only? *@p bad is the first offending byte if not NULL. */
bool mig_utf8_valid(const char *text, size_t len, size_t *bad);
/* Characters in @p len bytes; a byte that is not UTF-8 counts as one. */
size_t mig_utf8_count(const char *text, size_t len);
/* Byte offset of character @p n (from 0), or @p len. */
size_t mig_utf8_offset(const char *text, size_t len, size_t n);
/* The largest length <= @p max that cuts @p text between characters. */
size_t mig_utf8_cut(const char *text, size_t len, size_t max);

/* Line and column (from 1, column in characters) of byte @p at of @p text, which begins at
 * *@p line, *@p column; both are moved. "\n", "\r\n" and a lone "\r" end a line. */
void mig_text_position(const char *text, size_t at, uint64_t *line, uint64_t *column);

/* "…" with JSON escapes; bytes that are not UTF-8 become U+FFFD. @p text NULL: null. */
void mig_json_str(struct mig_buf *out, const char *text);
void mig_json_strn(struct mig_buf *out, const char *text, size_t len);

#endif
