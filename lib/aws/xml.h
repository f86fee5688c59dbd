/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_AWS_XML_H
#define MIG_AWS_XML_H

#include <stddef.h>

/* Text of the first element named @p tag in the answer of a query service, its entities decoded; owned, NULL when there
 * is none or memory is out. Such answers are flat enough that no parser is needed. */
char *mig_xml_text(const char *xml, size_t len, const char *tag);

#endif
