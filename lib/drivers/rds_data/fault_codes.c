/* SPDX-License-Identifier: Apache-2.0 */

/* SQLSTATEs and MySQL's codes, and where there is neither, words, to the classes of driver.h. */

#include <string.h>

#include "drivers/rds_data/rds.h"
#include "util/text.h"

struct state {
    const char *state; /* five characters, or two for a whole class */
    uint32_t klass;
};

static const struct state postgres_states[] = {
    { "55P03", MIGRATE_FAULT_LOCK_TIMEOUT }, { "40001", MIGRATE_FAULT_RETRY_TX },   { "40P01", MIGRATE_FAULT_RETRY_TX },
    { "25006", MIGRATE_FAULT_READ_ONLY },    { "57P01", MIGRATE_FAULT_CONN_LOST },  { "57P02", MIGRATE_FAULT_CONN_LOST },
    { "57P05", MIGRATE_FAULT_CONN_LOST },    { "25P03", MIGRATE_FAULT_CONN_LOST },  { "25P04", MIGRATE_FAULT_CONN_LOST },
    { "08", MIGRATE_FAULT_CONN_LOST },       { "57P03", MIGRATE_FAULT_UNAVAILABLE }, { "53300", MIGRATE_FAULT_UNAVAILABLE },
    { "28", MIGRATE_FAULT_AUTH },            { "42501", MIGRATE_FAULT_DENIED },     { "3D000", MIGRATE_FAULT_NO_DB },
    { "57P04", MIGRATE_FAULT_NO_DB },        { "53100", MIGRATE_FAULT_DISK_FULL },  { "25001", MIGRATE_FAULT_NOT_IN_TX },
    { "2D000", MIGRATE_FAULT_NOT_IN_TX },    { "42P07", MIGRATE_FAULT_EXISTS },     { "42710", MIGRATE_FAULT_EXISTS },
    { "42P06", MIGRATE_FAULT_EXISTS },       { "42P04", MIGRATE_FAULT_EXISTS },     { "42701", MIGRATE_FAULT_EXISTS },
    { "42723", MIGRATE_FAULT_EXISTS },       { "42P01", MIGRATE_FAULT_MISSING },    { "42704", MIGRATE_FAULT_MISSING },
    { "42703", MIGRATE_FAULT_MISSING },      { "42883", MIGRATE_FAULT_MISSING },    { "3F000", MIGRATE_FAULT_MISSING },
    { "42601", MIGRATE_FAULT_SYNTAX },       { "23", MIGRATE_FAULT_CONSTRAINT },
};

static const struct state mysql_states[] = {
    { "42S01", MIGRATE_FAULT_EXISTS },   { "42S11", MIGRATE_FAULT_EXISTS },  { "42S21", MIGRATE_FAULT_EXISTS },
    { "42S02", MIGRATE_FAULT_MISSING },  { "42S22", MIGRATE_FAULT_MISSING }, { "42S12", MIGRATE_FAULT_MISSING },
    { "40001", MIGRATE_FAULT_RETRY_TX }, { "28000", MIGRATE_FAULT_AUTH },    { "08", MIGRATE_FAULT_CONN_LOST },
    { "23", MIGRATE_FAULT_CONSTRAINT },
};

uint32_t mig_rds_state_class(const char *sqlstate, bool postgres)
{
    const struct state *table = postgres ? postgres_states : mysql_states;
    size_t n = postgres ? sizeof postgres_states / sizeof *postgres_states : sizeof mysql_states / sizeof *mysql_states;
    for (size_t i = 0; i < n; i++) {
        if (strncmp(table[i].state, sqlstate, strlen(table[i].state)) == 0)
            return table[i].klass;
    }
    return MIGRATE_FAULT_OTHER;
}

static const struct {
    uint32_t klass;
    int32_t codes[24]; /* ended by 0 */
} mysql_codes[] = {
    { MIGRATE_FAULT_RETRY_STMT, { 1205 } },
    { MIGRATE_FAULT_RETRY_TX, { 1213, 1614, 3058, 3101 } },
    { MIGRATE_FAULT_CONN_LOST,
      { 1053, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 3169, 4031, 2006, 2013, 2055 } },
    { MIGRATE_FAULT_READ_ONLY, { 1836 } },
    { MIGRATE_FAULT_UNAVAILABLE, { 1040, 1047, 1203, 1226 } },
    { MIGRATE_FAULT_AUTH, { 1045, 1130, 1251, 1698, 1820, 1862, 3118, 4151 } },
    { MIGRATE_FAULT_DENIED, { 1044, 1095, 1142, 1143, 1227, 1370, 1410, 1419 } },
    { MIGRATE_FAULT_NO_DB, { 1046, 1049 } },
    { MIGRATE_FAULT_TOO_LARGE, { 1153, 1301, 2020 } },
    { MIGRATE_FAULT_DISK_FULL, { 1021, 1114 } },
    { MIGRATE_FAULT_EXISTS, { 1007, 1050, 1060, 1061, 1304, 1359, 1537, 1826, 3822 } },
    { MIGRATE_FAULT_MISSING, { 1008, 1051, 1054, 1091, 1146, 1176, 1305, 1360, 1539, 4091, 4092 } },
    { MIGRATE_FAULT_SYNTAX, { 1064, 1149 } },
    { MIGRATE_FAULT_NOT_IN_TX, { 1179, 1399, 1568 } },
    { MIGRATE_FAULT_CONSTRAINT,
      { 1048, 1062, 1216, 1217, 1451, 1452, 1557, 1586, 1761, 1762, 3819, 4025 } },
};

/* 1290 says that an option of the server forbids the statement; only one of them means a demoted writer. */
uint32_t mig_rds_code_class(int32_t code, const char *message)
{
    if (code == 1290)
        return strstr(message, "read-only") || strstr(message, "read_only") ? MIGRATE_FAULT_READ_ONLY : MIGRATE_FAULT_OTHER;
    for (size_t i = 0; i < sizeof mysql_codes / sizeof *mysql_codes; i++) {
        for (const int32_t *known = mysql_codes[i].codes; *known; known++) {
            if (*known == code)
                return mysql_codes[i].klass;
        }
    }
    return MIGRATE_FAULT_OTHER;
}

uint32_t mig_rds_words_class(const char *message)
{
    static const struct { const char *words; uint32_t klass; } known[] = {
        { "Deadlock found", MIGRATE_FAULT_RETRY_TX },
        { "Lock wait timeout", MIGRATE_FAULT_RETRY_STMT },
        { "error in your SQL syntax", MIGRATE_FAULT_SYNTAX },
        { "Duplicate entry", MIGRATE_FAULT_CONSTRAINT },
        { "Duplicate column", MIGRATE_FAULT_EXISTS },
        { "Duplicate key name", MIGRATE_FAULT_EXISTS },
        { "foreign key constraint fails", MIGRATE_FAULT_CONSTRAINT },
        { "already exists", MIGRATE_FAULT_EXISTS },
        { "Unknown database", MIGRATE_FAULT_NO_DB },
        { "Unknown table", MIGRATE_FAULT_MISSING },
        { "Unknown column", MIGRATE_FAULT_MISSING },
        { "doesn't exist", MIGRATE_FAULT_MISSING },
        { "does not exist", MIGRATE_FAULT_MISSING },
        { "command denied", MIGRATE_FAULT_DENIED },
        { "Access denied", MIGRATE_FAULT_AUTH },
        { "password authentication failed", MIGRATE_FAULT_AUTH },
        { "read-only", MIGRATE_FAULT_READ_ONLY },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strstr(message, known[i].words))
            return known[i].klass;
    }
    return MIGRATE_FAULT_OTHER;
}
