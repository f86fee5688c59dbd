/* SPDX-License-Identifier: Apache-2.0 */

/* Puts statements together into the text of one COM_QUERY. */

#include "drivers/mysql/packet.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/text.h"

static void clear_slots(struct mig_my_packet *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->slots[i].answer.message);
    p->n = 0;
}

void mig_my_packet_reset(struct mig_my_packet *p)
{
    clear_slots(p);
    mig_buf_reset(&p->text);
    p->oom = false;
}

void mig_my_packet_free(struct mig_my_packet *p)
{
    clear_slots(p);
    free(p->slots);
    mig_buf_free(&p->text);
    *p = (struct mig_my_packet){ .text = MIG_BUF_INIT };
}

/* The newline ends a "-- comment" of the statement before; nothing follows the last statement, as a comment there
 * would be answered like a statement. */
static struct mig_my_slot *begin_slot(struct mig_my_packet *p, uint32_t flags)
{
    if (!mig_grow(&p->slots, &p->cap, p->n + 1, sizeof *p->slots)) {
        p->oom = true;
        return NULL;
    }
    if (p->n)
        mig_buf_str(&p->text, "\n;\n");
    struct mig_my_slot *s = &p->slots[p->n++];
    memset(s, 0, sizeof *s);
    s->at = p->text.len;
    s->flags = flags;
    s->answer.affected = -1;
    return s;
}

static struct mig_my_slot *end_slot(struct mig_my_packet *p, struct mig_my_slot *s)
{
    s->len = p->text.len - s->at;
    if (p->text.oom)
        p->oom = true;
    return p->oom ? NULL : s;
}

struct mig_my_slot *mig_my_packet_add_text(struct mig_my_packet *p, const char *sql, size_t len, uint32_t flags)
{
    struct mig_my_slot *s = begin_slot(p, flags);
    if (!s)
        return NULL;
    mig_buf_add(&p->text, sql, len);
    return end_slot(p, s);
}

struct mig_my_slot *mig_my_packet_add(struct mig_my_packet *p, const migrate_stmt *stmt)
{
    struct mig_my_slot *s = begin_slot(p, stmt->flags);
    if (!s)
        return NULL;
    s->on_row = stmt->on_row;
    s->on_row_user = stmt->on_row_user;
    const char *at = stmt->sql, *end = stmt->sql + stmt->sql_len;
    for (uint32_t i = 0; i < stmt->n_params; i++) {
        const char *mark = memchr(at, '?', (size_t)(end - at));
        if (!mark)
            break;
        mig_buf_add(&p->text, at, (size_t)(mark - at));
        mig_my_literal(&p->text, stmt->params[i].data, stmt->params[i].len);
        at = mark + 1;
    }
    mig_buf_add(&p->text, at, (size_t)(end - at));
    return end_slot(p, s);
}

size_t mig_my_packet_cost(const migrate_stmt *stmt)
{
    size_t cost = stmt->sql_len + 3;
    for (uint32_t i = 0; i < stmt->n_params; i++)
        cost += 2 * stmt->params[i].len + 16;
    return cost;
}

/* ---- what a statement is, from its first word --------------------------------------- */

static size_t skip_blank(const char *sql, size_t len)
{
    size_t i = 0;
    for (;;) {
        while (i < len && (sql[i] == ' ' || (sql[i] >= '\t' && sql[i] <= '\r')))
            i++;
        bool block = len - i >= 2 && sql[i] == '/' && sql[i + 1] == '*';
        bool line = i < len && (sql[i] == '#' || (len - i >= 2 && sql[i] == '-' && sql[i + 1] == '-'));
        if (block && len - i >= 3 && (sql[i + 2] == '!' || sql[i + 2] == 'M'))
            return i; /* executed, so it is the statement's own */
        if (block) {
            const char *end = memmem(sql + i + 2, len - i - 2, "*/", 2);
            i = end ? (size_t)(end + 2 - sql) : len;
        } else if (line) {
            const char *end = memchr(sql + i, '\n', len - i);
            i = end ? (size_t)(end + 1 - sql) : len;
        } else {
            return i;
        }
    }
}

void mig_my_first_word(const char *sql, size_t len, char *out, size_t size)
{
    size_t at = skip_blank(sql, len), n = 0;
    while (at < len && sql[at] == '(')
        at++;
    while (at + n < len && (mig_is_alpha(sql[at + n]) || sql[at + n] == '_'))
        n++;
    if (n >= size)
        n = 0;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(mig_lower(sql[at + i]) - (mig_is_alpha(sql[at + i]) ? 32 : 0));
    out[n] = '\0';
}

bool mig_my_ends_packet(const char *sql, size_t len)
{
    /* Statements with exactly one result that leave the next ones' reading alone. */
    static const char *const single[] = { "ALTER",  "ANALYZE", "CHECK",    "COMMIT",  "CREATE",   "DEALLOCATE", "DELETE",
                                          "DESC",   "DESCRIBE", "DO",      "DROP",    "EXPLAIN",  "FLUSH",      "GRANT",
                                          "INSERT", "OPTIMIZE", "PREPARE", "RELEASE", "RENAME",   "REPAIR",     "REPLACE",
                                          "REVOKE", "ROLLBACK", "SAVEPOINT", "SELECT", "SHOW",    "START",      "TABLE",
                                          "TRUNCATE", "UPDATE", "VALUES",  "WITH" };
    char word[16];
    mig_my_first_word(sql, len, word, sizeof word);
    if (memchr(sql, ';', len))
        return true;
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        if (strcmp(word, single[i]) == 0)
            return false;
    }
    return true;
}

/* Anywhere: too often is safe. */
static bool contains_word(const char *sql, size_t len, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= len; i++) {
        size_t k = 0;
        while (k < n && mig_lower(sql[i + k]) == word[k])
            k++;
        if (k == n)
            return true;
    }
    return false;
}

bool mig_my_keeps_text(const char *sql, size_t len)
{
    static const char *const kinds[] = { "procedure", "function", "trigger", "event" };
    char word[16];
    mig_my_first_word(sql, len, word, sizeof word);
    if (strcmp(word, "CREATE") != 0 && strcmp(word, "ALTER") != 0)
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (contains_word(sql, len, kinds[i]))
            return true;
    }
    return false;
}

bool mig_my_changes_lexing(const char *sql, size_t len)
{
    char word[16];
    mig_my_first_word(sql, len, word, sizeof word);
    if (strcmp(word, "EXECUTE") == 0 || strcmp(word, "USE") == 0)
        return true;
    if (word[0] && strcmp(word, "SET") != 0 && strcmp(word, "BEGIN") != 0)
        return false;
    return contains_word(sql, len, "sql_mode") || contains_word(sql, len, "names") || contains_word(sql, len, "charset") ||
           contains_word(sql, len, "character");
}
