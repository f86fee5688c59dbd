/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_MAIN_H
#define CLI_MAIN_H

/* The command line's main(), under the name it is compiled with here. */
int migrate_cli_main(int argc, char **argv);

#endif
