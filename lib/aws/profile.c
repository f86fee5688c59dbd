/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/profile.h"

#include <stdlib.h>
#include <string.h>

#include <migrate/status.h>

#include "aws/environment.h"
#include "aws/file.h"
#include "util/buf.h"
#include "util/diag.h"
#include "util/mem.h"
#include "util/text.h"

enum { FILE_MAX = 1024 * 1024 };

void mig_aws_profile_free(struct mig_aws_profile *profile)
{
    for (size_t i = 0; i < MIG_PROFILE_KEYS; i++)
        mig_wipe_free(profile->values[i]);
    *profile = (struct mig_aws_profile)MIG_AWS_PROFILE_INIT;
}

const char *mig_aws_profile_name(bool *chosen)
{
    const char *name = mig_aws_env("AWS_PROFILE");
    if (!name)
        name = mig_aws_env("AWS_DEFAULT_PROFILE");
    *chosen = name != NULL;
    return name ? name : "default";
}

/* ---- lines --------------------------------------------------------------------- */

struct span {
    const char *at;
    size_t len;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span s)
{
    while (s.len && is_blank(*s.at)) {
        s.at++;
        s.len--;
    }
    while (s.len && is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

static bool is(struct span s, const char *text)
{
    return strlen(text) == s.len && memcmp(s.at, text, s.len) == 0;
}

/* Up to a '#' or ';' that follows a blank. */
static struct span without_comment(struct span s)
{
    for (size_t i = 1; i < s.len; i++) {
        if ((s.at[i] == '#' || s.at[i] == ';') && is_blank(s.at[i - 1])) {
            s.len = i;
            break;
        }
    }
    return trim(s);
}

/* "[profile name]", in the credentials file "[name]". The default profile needs no "profile" in either. */
static bool section_is(struct span line, const char *name, bool config)
{
    struct span s = { line.at + 1, 0 };
    while (1 + s.len < line.len && s.at[s.len] != ']')
        s.len++;
    s = trim(s);
    static const char word[] = "profile";
    size_t n = sizeof word - 1;
    if (config && s.len > n && memcmp(s.at, word, n) == 0 && is_blank(s.at[n])) {
        s.at += n;
        s.len -= n;
        s = trim(s);
        return is(s, name);
    }
    return (!config || strcmp(name, "default") == 0) && is(s, name);
}

static int key_of(struct span s)
{
    static const char *const names[MIG_PROFILE_KEYS] = {
        "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "region", "role_arn", "source_profile",
        "credential_source", "web_identity_token_file", "external_id", "role_session_name", "mfa_serial",
        "credential_process", "sso_session", "sso_start_url", "login_session",
    };
    for (int i = 0; i < MIG_PROFILE_KEYS; i++) {
        if (mig_ieqn(s.at, s.len, names[i]))
            return i;
    }
    return -1;
}

static migrate_status take(struct mig_aws_profile *out, struct span line, struct mig_diag *diag)
{
    const char *equals = memchr(line.at, '=', line.len);
    if (!equals)
        return MIGRATE_OK;
    struct span name = { line.at, (size_t)(equals - line.at) };
    struct span value = { equals + 1, line.len - name.len - 1 };
    int key = key_of(trim(name));
    value = without_comment(value);
    if (key < 0 || !value.len)
        return MIGRATE_OK;
    char *copy = mig_strndup(value.at, value.len);
    if (!copy)
        return mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
    mig_wipe_free(out->values[key]);
    out->values[key] = copy;
    return MIGRATE_OK;
}

/* Lines that are set in belong to the key above them and are of no concern. */
static migrate_status take_lines(struct mig_aws_profile *out, const char *name, bool config, const struct mig_buf *text,
                                 struct mig_diag *diag)
{
    bool inside = false;
    migrate_status status = MIGRATE_OK;
    for (const char *at = mig_buf_text(text); *at && !status;) {
        struct span line = { at, strcspn(at, "\n") };
        at += line.len + (at[line.len] == '\n');
        if (!line.len || *line.at == '#' || *line.at == ';' || is_blank(*line.at))
            continue;
        if (*line.at == '[')
            inside = section_is(line, name, config);
        else if (inside)
            status = take(out, line, diag);
        out->found = out->found || inside;
    }
    return status;
}

/* ---- files --------------------------------------------------------------------- */

/* MIGRATE_DONE: there is no home to look in. */
static migrate_status path_of(const char *variable, const char *usual, char **out, struct mig_diag *diag)
{
    const char *own = mig_aws_env(variable), *home = mig_aws_env("HOME");
    bool at_home = !own || mig_starts(own, "~/");
    if (at_home && !home)
        return MIGRATE_DONE;
    *out = own && !at_home ? mig_strdup(own) : mig_sprintf("%s/%s", home, own ? own + 2 : usual);
    return *out ? MIGRATE_OK : mig_diag_set(diag, MIGRATE_E_NOMEM, "out of memory");
}

static migrate_status read_file(const char *variable, const char *usual, bool config, const char *name,
                                struct mig_aws_profile *out, struct mig_diag *diag)
{
    char *path = NULL;
    struct mig_buf text = MIG_BUF_INIT;
    migrate_status status = path_of(variable, usual, &path, diag);
    if (!status)
        status = mig_aws_file_read(path, FILE_MAX, &text, diag);
    if (!status)
        status = take_lines(out, name, config, &text, diag);
    mig_buf_wipe(&text);
    free(path);
    return status == MIGRATE_DONE ? MIGRATE_OK : status;
}

/* The credentials file is read last: it has the last word. */
migrate_status mig_aws_profile_read(const char *name, struct mig_aws_profile *out, struct mig_diag *diag)
{
    mig_aws_profile_free(out);
    migrate_status status = read_file("AWS_CONFIG_FILE", ".aws/config", true, name, out, diag);
    if (!status)
        status = read_file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", false, name, out, diag);
    return status;
}

migrate_status mig_aws_profile_region(char **out, struct mig_diag *diag)
{
    bool chosen;
    struct mig_aws_profile profile = MIG_AWS_PROFILE_INIT;
    *out = NULL;
    migrate_status status = mig_aws_profile_read(mig_aws_profile_name(&chosen), &profile, diag);
    if (!status) {
        *out = profile.values[MIG_PROFILE_REGION];
        profile.values[MIG_PROFILE_REGION] = NULL;
    }
    mig_aws_profile_free(&profile);
    return status;
}
