/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIG_UTIL_CLOCK_H
#define MIG_UTIL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct mig_buf;

/* Milliseconds on a monotonic clock; on the wall clock since 1970, UTC. */
int64_t mig_clock_mono_ms(void);
int64_t mig_clock_unix_ms(void);

/* "2026-11-24T23:31:39.120Z"; 0 gives nothing. */
void mig_clock_rfc3339(struct mig_buf *out, int64_t unix_ms);

/* "20261124233139", UTC: @p out holds 15 bytes. */
void mig_clock_compact(int64_t unix_ms, char out[15]);

/* Reads "2026-11-24 23:31:39.120", 'T' or blank between, with or without fraction, 'Z' or "+00". */
bool mig_clock_parse(const char *text, int64_t *unix_ms);

/* "500ms", "2s", "5m", "1h", "1500" (ms), "0". false for anything else or past INT64_MAX. */
bool mig_duration_parse(const char *text, int64_t *ms);

/* "2s", "1.5s", "250ms", "5m": the shortest that says it exactly. */
void mig_duration_write(struct mig_buf *out, int64_t ms);

#endif
