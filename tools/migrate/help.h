/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

struct cli;

/* Commands, flags and options as one JSON object, for generators of documentation. */
void cli_help_json(struct cli *cli);

/* docs/guide/options.md. */
void cli_options_markdown(void);

#endif
