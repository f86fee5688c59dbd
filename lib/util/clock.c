/* SPDX-License-Identifier: Apache-2.0 */
#include "util/clock.h"

#include <string.h>
#include <time.h>

#include "util/buf.h"
#include "util/text.h"

enum { MS_PER_DAY = 86400000 };

static int64_t clock_ms(clockid_t id)
{
    struct timespec ts;
    if (clock_gettime(id, &ts) != 0)
        return 0;
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t mig_clock_mono_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

int64_t mig_clock_unix_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

/* A point in time taken apart, UTC. */
struct civil {
    int64_t year;
    int month, day, hour, minute, second, ms;
};

/* Calendar arithmetic of our own: gmtime() is locale-free but its range and thread rules differ between
 * systems. Years begin in March here, so that the leap day is the last of its year. */
static int64_t days_of_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_of_days(int64_t days, struct civil *out)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    out->day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    out->month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    out->year = year_of_era + era * 400 + (out->month <= 2);
}

static void civil_of_ms(int64_t unix_ms, struct civil *out)
{
    int64_t days = unix_ms / MS_PER_DAY;
    int64_t rest = unix_ms % MS_PER_DAY;
    if (rest < 0) {
        rest += MS_PER_DAY;
        days--;
    }
    civil_of_days(days, out);
    out->hour = (int)(rest / 3600000);
    out->minute = (int)(rest / 60000 % 60);
    out->second = (int)(rest / 1000 % 60);
    out->ms = (int)(rest % 1000);
}

void mig_clock_rfc3339(struct mig_buf *out, int64_t unix_ms)
{
    if (unix_ms == 0)
        return;
    struct civil c;
    civil_of_ms(unix_ms, &c);
    mig_buf_fmt(out, "%04lld-%02d-%02dT%02d:%02d:%02d.%03dZ", (long long)c.year, c.month, c.day, c.hour,
                c.minute, c.second, c.ms);
}

static char *put_digits(char *at, int64_t value, int width)
{
    for (int i = width; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + width;
}

void mig_clock_compact(int64_t unix_ms, char out[15])
{
    struct civil c;
    civil_of_ms(unix_ms, &c);
    char *at = put_digits(out, c.year < 0 ? 0 : c.year, 4);
    at = put_digits(at, c.month, 2);
    at = put_digits(at, c.day, 2);
    at = put_digits(at, c.hour, 2);
    at = put_digits(at, c.minute, 2);
    at = put_digits(at, c.second, 2);
    *at = '\0';
}

/* Exactly @p width digits, not above @p max. */
static bool take_number(const char **at, int width, int max, int *out)
{
    int value = 0;
    for (int i = 0; i < width; i++) {
        if (!mig_is_digit((*at)[i]))
            return false;
        value = value * 10 + ((*at)[i] - '0');
    }
    *at += width;
    *out = value;
    return value <= max;
}

static bool take_char(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

static int days_in_month(int year, int month)
{
    static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(const char **at, struct civil *c)
{
    int year;
    if (!take_number(at, 4, 9999, &year) || !take_char(at, '-') || !take_number(at, 2, 12, &c->month) ||
        !take_char(at, '-') || !take_number(at, 2, 31, &c->day))
        return false;
    c->year = year;
    return c->month >= 1 && c->day >= 1 && c->day <= days_in_month(year, c->month);
}

/* Digits past the millisecond are cut off. */
static void take_fraction(const char **at, struct civil *c)
{
    c->ms = 0;
    int scale = 100;
    for (; mig_is_digit(**at); (*at)++, scale /= 10)
        c->ms += (**at - '0') * scale;
}

static bool take_time(const char **at, struct civil *c)
{
    if (!take_number(at, 2, 23, &c->hour) || !take_char(at, ':') || !take_number(at, 2, 59, &c->minute) ||
        !take_char(at, ':') || !take_number(at, 2, 60, &c->second))
        return false;
    c->ms = 0;
    if (take_char(at, '.')) {
        if (!mig_is_digit(**at))
            return false;
        take_fraction(at, c);
    }
    return true;
}

/* "", "Z", "+00", "+0000", "+05:30": servers differ in how they write an offset. */
static bool take_zone(const char **at, int *minutes)
{
    *minutes = 0;
    if (**at == '\0' || take_char(at, 'Z'))
        return true;
    int sign = **at == '-' ? -1 : 1;
    if (!take_char(at, '+') && !take_char(at, '-'))
        return false;
    int hour, minute = 0;
    if (!take_number(at, 2, 18, &hour))
        return false;
    if (**at != '\0') {
        (void)take_char(at, ':');
        if (!take_number(at, 2, 59, &minute))
            return false;
    }
    *minutes = sign * (hour * 60 + minute);
    return true;
}

bool mig_clock_parse(const char *text, int64_t *unix_ms)
{
    struct civil c;
    int zone;
    const char *at = text;
    if (!at || !take_date(&at, &c) || (*at != 'T' && *at != ' '))
        return false;
    at++;
    if (!take_time(&at, &c) || !take_zone(&at, &zone) || *at != '\0')
        return false;
    *unix_ms = days_of_civil(c.year, c.month, c.day) * MS_PER_DAY +
               ((c.hour * 60 + c.minute - zone) * 60 + c.second) * INT64_C(1000) + c.ms;
    return true;
}

static int64_t unit_ms(const char *unit)
{
    static const struct {
        char name[4];
        int64_t ms;
    } units[] = {
        { "", 1 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", MS_PER_DAY }
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(units[i].name, unit) == 0)
            return units[i].ms;
    return 0;
}

/* ".5" of a unit in milliseconds; false where that is not a whole number of them. */
static bool take_part(const char **at, int64_t *thousandths)
{
    *thousandths = 0;
    if (!take_char(at, '.'))
        return true;
    if (!mig_is_digit(**at))
        return false;
    for (int scale = 100; mig_is_digit(**at); (*at)++, scale /= 10) {
        if (scale == 0 && **at != '0')
            return false;
        *thousandths += (**at - '0') * scale;
    }
    return true;
}

bool mig_duration_parse(const char *text, int64_t *ms)
{
    const char *at = text;
    int64_t whole = 0, part;
    if (!at || !mig_is_digit(*at))
        return false;
    for (; mig_is_digit(*at); at++)
        if (__builtin_mul_overflow(whole, (int64_t)10, &whole) ||
            __builtin_add_overflow(whole, *at - '0', &whole))
            return false;
    if (!take_part(&at, &part))
        return false;
    int64_t unit = unit_ms(at);
    if (unit == 0 || part * unit % 1000 != 0)
        return false;
    if (__builtin_mul_overflow(whole, unit, &whole) ||
        __builtin_add_overflow(whole, part * unit / 1000, &whole))
        return false;
    *ms = whole;
    return true;
}

void mig_duration_write(struct mig_buf *out, int64_t ms)
{
    long long n = ms;
    if (n == 0)
        mig_buf_char(out, '0');
    else if (n % 3600000 == 0)
        mig_buf_fmt(out, "%lldh", n / 3600000);
    else if (n % 60000 == 0)
        mig_buf_fmt(out, "%lldm", n / 60000);
    else if (n % 1000 == 0)
        mig_buf_fmt(out, "%llds", n / 1000);
    else if (n < 1000)
        mig_buf_fmt(out, "%lldms", n);
    else if (n % 100 == 0)
        mig_buf_fmt(out, "%lld.%llds", n / 1000, n % 1000 / 100);
    else if (n % 10 == 0)
        mig_buf_fmt(out, "%lld.%02llds", n / 1000, n % 1000 / 10);
    else
        mig_buf_fmt(out, "%lld.%03llds", n / 1000, n % 1000);
}
