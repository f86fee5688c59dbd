#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a library must not call: it lives in somebody else's process."""

import re

import house

BANNED = {
    "reads the environment": "getenv secure_getenv setenv putenv unsetenv",
    "writes to a stream that is the application's": "printf fprintf vprintf vfprintf dprintf puts fputs putchar fputc "
    "putc perror psignal",
    "ends the application": "exit _exit _Exit quick_exit abort assert __assert_fail",
    "changes the process": "signal sigaction sigset raise kill alarm setitimer fork vfork system popen chdir umask "
    "setlocale atexit on_exit setrlimit nice",
    "does not know how long the buffer is": "strcpy stpcpy strcat sprintf vsprintf gets scanf sscanf fscanf alloca",
    "does not tell a number from none, or reads it by the locale": "atoi atol atoll atof strtod strtof",
    "keeps state of its own": "strtok rand srand random srandom drand48 localtime gmtime asctime ctime tmpnam tempnam",
    "depends on the locale": "isalpha isdigit isspace isalnum isupper islower toupper tolower strcoll strcasecmp "
    "strncasecmp",
    "leaks or is not portable C11": "asprintf vasprintf",
}
WHY = {name: why for why, names in BANNED.items() for name in names.split()}

# (file, function) -> why it is right there.
EXCEPTIONS = {
    ("lib/drivers/mysql/client.c", "sigaction"): "gives SIGPIPE back after the client library's set-up took it",
    ("lib/aws/environment.c", "getenv"): "AWS's own credentials come from where its SDKs look for them",
}

CALL = re.compile(r"(?<![\w.>])(" + "|".join(sorted(WHY, key=len, reverse=True)) + r")\s*\(")


def check(path):
    # The suite for authors of drivers is a test program's part; it obeys the same rules.
    text = house.bare(house.read(path))
    return [f"{path}:{house.line_of(text, m.start())}: {m.group(1)}() {WHY[m.group(1)]}"
            for m in CALL.finditer(text) if (path, m.group(1)) not in EXCEPTIONS]


house.verdict([f for path in house.sources("lib") for f in check(path)], "what a library must not call")
