/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>

#include "core/ctx.h"
#include "core/report.h"
#include "util/text.h"

void mig_report_server(struct migrate_report *r, const struct mig_facts *facts)
{
    if (!facts->version_text)
        return;
    if (!facts->product || mig_starts(facts->version_text, facts->product)) {
        r->server = mig_report_text(r, facts->version_text);
        return;
    }
    char *both = mig_sprintf("%s %s", facts->product, facts->version_text);
    r->server = mig_report_text(r, both ? both : facts->version_text);
    free(both);
}
