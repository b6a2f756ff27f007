/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers and their text: tables of forms, and random doubles against the C library, which rounds
 * correctly in both directions. What is printed must read back the same, be no longer than any
 * other decimal that does, and not depend on the locale.
 */
#include "model/number.h"
#include "model/value.h"
#include "tap.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>

static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t random_bits(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static double double_of(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static uint64_t bits_of(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static void is_text(const char *got, size_t length, const char *wanted)
{
    is_mem(got, length, wanted, tap_length(wanted), "prints %s", wanted);
}

static void test_int64(void)
{
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {-1, "-1"},
                 {1000000, "1000000"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "1e3",
                                      "0x10",
                                      "--1",
                                      "9223372036854775808",
                                      "1a",
                                      "-9223372036854775809",
                                      "99999999999999999999999"};
    int64_t i;
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        char text[TCORE_NUMBER_BYTES];
        size_t length = tcore_format_int64(text, cases[n].value);
        is_text(text, length, cases[n].text);
        ok(tcore_parse_int64(cases[n].text, strlen(cases[n].text), &i) && i == cases[n].value,
           "reads %s", cases[n].text);
    }
    ok(tcore_parse_int64("007", 3, &i) && i == 7, "leading zeros are read");
    ok(tcore_parse_int64("-0", 2, &i) && i == 0, "-0 is read");
    ok(tcore_parse_int64("00000000000000000000000000000000009", 35, &i) && i == 9, "many zeros");
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++)
        ok(!tcore_parse_int64(bad[n], strlen(bad[n]), &i), "no int64: \"%s\"", bad[n]);
}

/* Whether the text is read as the C library does; digits says that it is a number. */
static bool reads_as_libc(const char *text, size_t length, bool digits)
{
    int64_t i = 0;
    errno = 0;
    long long wanted = strtoll(text, NULL, 10);
    bool fits = digits && errno == 0;
    return tcore_parse_int64(text, length, &i) == fits && (!fits || i == wanted);
}

static void test_int64_random(void)
{
    unsigned wrong = 0;
    for (unsigned n = 0; n < 200000; n++) {
        char text[32] = "-";
        uint64_t bits = random_bits();
        size_t sign = bits & 1, length = 1 + (bits >> 1) % 21;
        for (size_t at = 0; at < length; at++)
            text[sign + at] = (char)('0' + random_bits() % 10);
        text[sign + length] = '\0';
        wrong += !reads_as_libc(text, sign + length, true);
        char other =
            (char)(random_bits() & 1 ? 1 + (bits >> 40) % 47 : '9' + 1 + (bits >> 40) % 198);
        text[sign + (bits >> 20) % length] = other == '-' ? '+' : other;
        wrong += !reads_as_libc(text, sign + length, false);
    }
    is_int(wrong, 0, "integers of all lengths, and with one other byte, are read as libc does");
}

static void test_format_table(void)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.0, "0.0"},
                 {-0.0, "-0.0"},
                 {1.0, "1.0"},
                 {-1.0, "-1.0"},
                 {0.1, "0.1"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {1.0 / 3, "0.3333333333333333"},
                 {2.0 / 3, "0.6666666666666666"},
                 {12.5, "12.5"},
                 {1e6, "1000000.0"},
                 {123456789012345678.0, "123456789012345680.0"},
                 {9007199254740991.0, "9007199254740991.0"},
                 {9007199254740992.0, "9007199254740992.0"},
                 {9007199254740994.0, "9007199254740994.0"},
                 {1e17, "100000000000000000.0"},
                 {1e20, "100000000000000000000.0"},
                 {1e21, "1e+21"},
                 {1.5e21, "1.5e+21"},
                 {1e300, "1e+300"},
                 {DBL_MAX, "1.7976931348623157e+308"},
                 {DBL_MIN, "2.2250738585072014e-308"},
                 {4.9406564584124654e-324, "5e-324"},
                 {1e-323, "1e-323"},
                 {1e-5, "0.00001"},
                 {0.000001, "0.000001"},
                 {0.0000001, "1e-7"},
                 {1.25e-7, "1.25e-7"},
                 {-1.25e-7, "-1.25e-7"},
                 {5e-15, "5e-15"},
                 {2.5e-16, "2.5e-16"},
                 {0x1p-44, "5.684341886080802e-14"},
                 {0x1p-1074, "5e-324"},
                 {0x1p60, "1152921504606847000.0"},
                 {0x1p-24, "5.960464477539063e-8"},
                 {9.5367431640625e-7, "9.5367431640625e-7"},
                 {123456.789, "123456.789"},
                 {1544712660.123, "1544712660.123"},
                 {NAN, "NaN"},
                 {INFINITY, "Infinity"},
                 {-INFINITY, "-Infinity"}};
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        char text[TCORE_NUMBER_BYTES];
        size_t length = tcore_format_double(text, cases[n].value);
        is_text(text, length, cases[n].text);
    }
}

static void test_parse_table(void)
{
    static const char *const good[] = {"0",
                                       "-0",
                                       "1",
                                       "1.0",
                                       "0.1",
                                       "1e23",
                                       "1E+2",
                                       "1e-2",
                                       "1.5e300",
                                       "1e308",
                                       "2e308",
                                       "1e400",
                                       "1e-400",
                                       "5e-324",
                                       "2e-324",
                                       "3e-324",
                                       "-1e999999999999999999999",
                                       "0e99999999999999999999",
                                       "1e-999999999999999999999",
                                       "9007199254740993",
                                       "9007199254740992.99999",
                                       "9007199254740993.00000000000000000000001",
                                       "2.2250738585072011e-308",
                                       "2.2250738585072014e-308",
                                       "4.4501477170144023e-308",
                                       "1.7976931348623157e308",
                                       "1.7976931348623158e308",
                                       "1.7976931348623159e308",
                                       "8.5e15",
                                       "123456789012345678901234567890",
                                       "0.000000000000000000000000000000001",
                                       "7.2057594037927933e16",
                                       "6929495644600919.5",
                                       "6929495644600920.5",
                                       "3.5844466002796428e+298",
                                       "0.5e-3",
                                       "100000000000000000000000000000000000000000000"};
    static const char *const bad[] = {"",     "-",     "+1",   ".5",    "5.",  "01", "1e",    "1e+",
                                      "1.e1", "-.5",   "1..2", "1.2.3", "1 ",  " 1", "0x1p3", "nan",
                                      "inf",  "1e1.5", "--1",  "1e--1", "1,5", "-01"};
    for (size_t n = 0; n < sizeof good / sizeof *good; n++) {
        double d = -1;
        ok(tcore_parse_double(good[n], strlen(good[n]), &d) &&
               bits_of(d) == bits_of(strtod(good[n], NULL)),
           "reads %s", good[n]);
    }
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
        double d;
        ok(!tcore_parse_double(bad[n], strlen(bad[n]), &d), "no number: \"%s\"", bad[n]);
    }
}

/* Halfway cases with a far-away digit that decides: 2^53 + 1 exactly, and a bit more. */
static void test_long_literals(void)
{
    static char text[5000];
    double d = 0;
    memset(text, '0', sizeof text);
    memcpy(text, "9007199254740993.", 17);
    ok(tcore_parse_double(text, sizeof text, &d) && d == 9007199254740992.0, "a tie goes to even");
    text[sizeof text - 1] = '1';
    ok(tcore_parse_double(text, sizeof text, &d) && d == 9007199254740994.0,
       "a digit five thousand places on breaks the tie");
    memset(text, '9', sizeof text);
    ok(tcore_parse_double(text, sizeof text, &d) && isinf(d), "five thousand digits overflow");
    memset(text, '0', sizeof text);
    text[1] = '.';
    text[sizeof text - 1] = '7';
    ok(tcore_parse_double(text, sizeof text, &d) && d == 0, "0.000...7 underflows");
    memcpy(text + sizeof text - 6, "7e5000", 6);
    ok(tcore_parse_double(text, sizeof text, &d) && d == 7e7, "0.000...7e5000 does not");
}

static bool reads_back(const char *text, size_t length, double d)
{
    double back;
    char copy[TCORE_NUMBER_BYTES + 1];
    memcpy(copy, text, length);
    copy[length] = '\0';
    return tcore_parse_double(text, length, &back) && bits_of(back) == bits_of(d) &&
           bits_of(strtod(copy, NULL)) == bits_of(d);
}

static int significant_digits(const char *text, size_t length)
{
    int count = 0, zeros = 0;
    for (size_t i = 0; i < length && text[i] != 'e'; i++) {
        if (text[i] < '0' || text[i] > '9')
            continue;
        zeros = text[i] == '0' ? zeros + 1 : 0;
        if (count || text[i] != '0')
            count++;
    }
    return count - zeros;
}

/* How many digits printf needs; it gives the nearest decimal of each length. */
static int printf_digits(double d)
{
    for (int digits = 1; digits < 17; digits++) {
        char text[64];
        snprintf(text, sizeof text, "%.*e", digits - 1, d);
        if (strtod(text, NULL) == d)
            return digits;
    }
    return 17;
}

static bool check_double(double d)
{
    char text[TCORE_NUMBER_BYTES];
    size_t length = tcore_format_double(text, d);
    if (length < 26 && reads_back(text, length, d) &&
        significant_digits(text, length) <= printf_digits(d))
        return true;
    tap_show("text", text, length);
    printf("# %a wants %d digits\n", d, printf_digits(d));
    return false;
}

static void test_random_doubles(void)
{
    int bad = 0;
    for (int n = 0; n < 60000; n++) {
        double d = double_of(random_bits());
        if (isfinite(d) && !check_double(d))
            bad++;
    }
    is_int(bad, 0, "60,000 random bit patterns print shortest and read back");
    bad = 0;
    for (int n = 0; n < 60000; n++) {
        /* Magnitudes that people measure: 1e-9 to 1e18. */
        double d = ldexp((double)random_bits(), (int)(random_bits() % 90) - 94);
        if (!check_double(d) || !check_double((double)(random_bits() % 1000000) / 1000))
            bad++;
    }
    is_int(bad, 0, "120,000 of everyday magnitude print shortest and read back");
    bad = 0;
    for (int e = -1074; e < 1024; e++)
        for (int step = -1; step <= 1; step++) {
            double d = double_of(bits_of(ldexp(1, e)) + (uint64_t)(int64_t)step);
            bad += d != 0 && !check_double(d);
        }
    is_int(bad, 0, "all powers of two and their neighbours print shortest and read back");
}

/* Literals of every length and scale around the doubles and exactly between two of them. */
static void test_random_literals(void)
{
    int bad = 0;
    for (int n = 0; n < 200000; n++) {
        char text[80];
        uint64_t bits = random_bits();
        int length;
        if (n % 4 == 0)
            length = snprintf(text, sizeof text, "%" PRIu64 "e%d", random_bits() >> bits % 64,
                              (int)(bits >> 8 & 63) - 32);
        else if (n % 4 == 1)
            length =
                snprintf(text, sizeof text, "%.*e", (int)(bits % 40), double_of(random_bits()));
        else if (n % 4 == 2)
            length = snprintf(text, sizeof text, "%" PRIu64 ".%" PRIu64, random_bits() >> bits % 64,
                              random_bits() >> (bits >> 6) % 64);
        else /* halfway between two doubles */
            length = snprintf(text, sizeof text, "%" PRIu64 ".5",
                              (random_bits() & (((uint64_t)1 << 53) - 1)) | (uint64_t)1 << 52);
        double d;
        if (strpbrk(text, "ni"))
            continue;
        if (!tcore_parse_double(text, (size_t)length, &d) ||
            bits_of(d) != bits_of(strtod(text, NULL))) {
            printf("# %s: %a, wanted %a\n", text, d, strtod(text, NULL));
            bad++;
        }
    }
    is_int(bad, 0, "200,000 random literals are read correctly rounded");
}

static void test_values(void)
{
    static const struct {
        const char *text;
        bool integral;
        int64_t value;
    } cases[] = {{"2.0", true, 2},
                 {"1e3", true, 1000},
                 {"1.5e18", true, 1500000000000000000},
                 {"15440000000000000000e-1", true, 1544000000000000000},
                 {"9007199254740993.0", true, 9007199254740993},
                 {"9223372036854775807.000", true, INT64_MAX},
                 {"-9223372036854775808.0", true, INT64_MIN},
                 {"-9.223372036854775808e18", true, INT64_MIN},
                 {"9223372036854775808", false, 0},
                 {"-9223372036854775809", false, 0},
                 {"1e19", false, 0},
                 {"1e18", true, 1000000000000000000},
                 {"-0", true, 0},
                 {"0.0e99999999999999999999", true, 0},
                 {"0.5", false, 0},
                 {"1.5", false, 0},
                 {"1e-1", false, 0},
                 {"100e-2", true, 1},
                 {"1e999999999999999999999999", false, 0},
                 {"1e-999999999999999999999999", false, 0}};
    int64_t i;
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct tcore_value v = {.kind = TCORE_NUMBER, .s = cases[n].text};
        v.len = (uint32_t)strlen(v.s);
        i = 0;
        bool integral = tcore_value_int64(&v, &i);
        ok(integral == cases[n].integral && (!integral || i == cases[n].value), "%s is %s",
           cases[n].text, cases[n].integral ? "integral" : "no int64");
        is_double(tcore_value_double(&v), strtod(v.s, NULL), "%s as a double", v.s);
    }
    struct tcore_value v = tcore_value_of_double(-0x1p63);
    ok(tcore_value_int64(&v, &i) && i == INT64_MIN, "-2^63 as a double");
    v.d = 0x1p63;
    ok(!tcore_value_int64(&v, &i), "2^63 is too large");
    v.d = NAN;
    ok(!tcore_value_int64(&v, &i), "NaN is no int64");
    v.d = 2.5;
    ok(!tcore_value_int64(&v, &i), "2.5 is no int64");
    v = tcore_value_int(-3);
    ok(tcore_value_int64(&v, &i) && i == -3 && tcore_value_double(&v) == -3, "an int");
    v = tcore_value_string("1", 1);
    ok(!tcore_value_int64(&v, &i) && isnan(tcore_value_double(&v)), "a string is no number");
}

static void test_locale(void)
{
    /* Any that has a comma will do; which are installed is the host's affair. */
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "de_DE.utf8"};
    bool set = false;
    for (size_t n = 0; n < sizeof names / sizeof *names && !set; n++)
        set = setlocale(LC_ALL, names[n]) != NULL;
    if (!set) {
        skip("no locale with a decimal comma is installed");
        return;
    }
    char text[TCORE_NUMBER_BYTES];
    size_t length = tcore_format_double(text, 1.2345e-200);
    is_mem(text, length, "1.2345e-200", 11, "printing does not obey the locale");
    double d = 0;
    ok(tcore_parse_double("1.2345e-200", 11, &d) && d == 1.2345e-200, "nor does reading");
    setlocale(LC_ALL, "C");
}

int main(void)
{
    test_int64();
    test_int64_random();
    test_format_table();
    test_parse_table();
    test_long_literals();
    test_random_doubles();
    test_random_literals();
    test_values();
    test_locale();
    return done_testing();
}
