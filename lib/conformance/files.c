/* SPDX-License-Identifier: Apache-2.0 */

/* The files that a source under test holds: names and bytes of the kinds that sources get wrong. */

#include <migrate/conformance.h>

#define LINE "-- a line of text that is 64 bytes long, its newline counted in\n"
#define TEN(x) x x x x x x x x x x
#define LARGE TEN(TEN(TEN(LINE) TEN(LINE))) "SELECT 1;\n"

struct file {
    const char *path;
    const char *text;
    size_t len;
};

#define FILE_OF(path, text)                                                                                  \
    {                                                                                                        \
        path, text, sizeof(text) - 1                                                                         \
    }

static const struct file files[] = {
    FILE_OF("0001_first.sql", "CREATE TABLE conformance_f (id INTEGER);\n"),
    FILE_OF("0002_empty.sql", ""),
    FILE_OF("nested/0003_deeper/0003_file.sql", "-- in a folder of a folder\nSELECT 3;"),
    FILE_OF("0004_large.sql", LARGE),
    FILE_OF("0005_line_ends.sql", "\xef\xbb\xbfSELECT 'a';\r\nSELECT 'b';\rSELECT 'c'"),
    FILE_OF("0006_\xc3\xa4\xe2\x82\xac name with blanks.sql",
            "SELECT '\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80';\n"),
    FILE_OF("0007_bytes.sql", "\x00\x01\x1a\x7f\x80\xfe\xff\x00 not text at all\n"),
    FILE_OF("0010_one.sql", "1"),
};

const char *migrate_conformance_file(size_t index, migrate_text *text)
{
    if (index >= sizeof(files) / sizeof(files[0])) {
        return NULL;
    }
    if (text) {
        text->data = files[index].text;
        text->len = files[index].len;
    }
    return files[index].path;
}
