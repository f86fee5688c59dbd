/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_MYSQL_FAULT_CODES_H
#define MIG_MYSQL_FAULT_CODES_H

/* The table of codes that mean something to the engine or have a remedy. */

#include <migrate/driver.h>

struct mig_my_code {
    int32_t        code;
    uint32_t       klass;  /* MIGRATE_FAULT_* */
    migrate_status status; /* 0: as the class says */
    uint32_t       names;  /* 1: the first quoted text is an object, 2: the one after "key" */
    const char    *hint;
};

extern const struct mig_my_code mig_my_codes[];
extern const size_t mig_my_n_codes;

#endif
