/* SPDX-License-Identifier: Apache-2.0 */

/* The words of an SQL error, of which the Data API makes one text:
 *   ERROR: relation "x" does not exist; Hint: …; Position: 15; SQLState: 42P01
 *   Database error code: 1064. Message: You have an error …
 *   You have an error …; Error code: 1064; SQLState: 42000 */

#include <stdlib.h>
#include <string.h>

#include "drivers/rds_data/rds.h"
#include "util/text.h"

static const char *const labels[] = { "; SQLState: ", "; Error code: ", "; Position: ", "; Hint: ", "; Detail: ",
                                      "; Where: ",    "; Error Code: " };
enum { STATE, CODE, POSITION, HINT, DETAIL, WHERE, CODE_TOO };

/* The last label that stands in @p text; -1 none. */
static int last_label(char *text, char **at)
{
    int which = -1;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        for (char *found = strstr(text, labels[i]); found; found = strstr(found + 1, labels[i])) {
            if (which < 0 || found > *at) {
                which = (int)i;
                *at = found;
            }
        }
    }
    return which;
}

static bool is_state(const char *value)
{
    size_t n = 0;
    while (mig_is_digit(value[n]) || (value[n] >= 'A' && value[n] <= 'Z'))
        n++;
    return n == 5 && value[n] == '\0';
}

static void keep(int which, char *value, struct mig_rds_said *out)
{
    switch (which) {
    case STATE:
        if (is_state(value))
            memcpy(out->sqlstate, value, 6);
        break;
    case CODE:
    case CODE_TOO:
        out->code = (int32_t)strtol(value, NULL, 10);
        break;
    case POSITION:
        out->position = strtoull(value, NULL, 10);
        break;
    case HINT:
        out->hint = value;
        break;
    default:
        if (which == DETAIL || !out->detail)
            out->detail = value;
    }
}

/* Segments from the right, as long as one is there; without an SQLSTATE at the end there are none. */
static void segments(char *text, struct mig_rds_said *out)
{
    char *at = text;
    int which = last_label(text, &at);
    if (which != STATE && which != CODE && which != CODE_TOO)
        return;
    while (which >= 0) {
        *at = '\0';
        keep(which, at + strlen(labels[which]), out);
        which = last_label(text, &at);
    }
}

static char *skip(char *text, const char *word)
{
    return mig_starts(text, word) ? text + strlen(word) : text;
}

void mig_rds_said_read(char *text, struct mig_rds_said *out)
{
    static const char numbered[] = "Database error code: ";
    *out = (struct mig_rds_said){ .message = text };
    segments(text, out);
    if (mig_starts(text, numbered)) {
        char *end = NULL;
        out->code = (int32_t)strtol(text + sizeof numbered - 1, &end, 10);
        char *message = strstr(end, "Message: ");
        if (message)
            out->message = message + 9;
        return;
    }
    out->message = skip(skip(skip(text, "ERROR: "), "FATAL: "), "PANIC: ");
}
