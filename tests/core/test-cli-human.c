/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quantities as people read them. */
#include "cli/human.h"

#include "tap.h"

#include <math.h>
#include <string.h>

static void check(struct tcore_buf *out, const char *expected)
{
    ok(out->length == strlen(expected) && !memcmp(out->data, expected, out->length), "%s (%.*s)",
       expected, (int)out->length, out->length ? out->data : "");
    tcore_buf_clear(out);
}

static void durations(struct tcore_buf *out)
{
    static const struct {
        double ns;
        const char *text;
    } cases[] = {
        {0, "0 s"},
        {1, "1 ns"},
        {830, "830 ns"},
        {1.25, "1.25 ns"},
        {999.9, "1.00 us"},
        {4210, "4.21 us"},
        {999949, "1.00 ms"},
        {12.34e6, "12.3 ms"},
        {378.6e6, "379 ms"},
        {1.5e9, "1.50 s"},
        {59.94e9, "59.9 s"},
        {59.96e9, "1 min"},
        {125e9, "2 min 5 s"},
        {12000e9, "3 h 20 min"},
        {432000e9, "5 d"},
        {-12.34e6, "-12.3 ms"},
        {-125e9, "-2 min 5 s"},
        {NAN, "-"},
        {INFINITY, "-"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cli_human_duration(out, cases[i].ns, true);
        check(out, cases[i].text);
    }
    cli_human_duration(out, 4210, false);
    check(out, "4.21 \xc2\xb5s");
}

static void ranges(struct tcore_buf *out)
{
    static const struct {
        double lower, upper;
        const char *text;
    } cases[] = {
        {120e6, 140e6, "120-140 ms"},
        {0.613e6, 1.41e6, "0.613-1.41 ms"},
        {40e6, 49.2e6, "40-49.2 ms"},
        {5e6, 5e6, "5.00 ms"},
        {59e9, 120e9, "59.0 s to 2 min"},
        {-5e6, 5e6, "-5.00 ms to 5.00 ms"},
        {0, 5e3, "0-5 us"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cli_human_durations(out, cases[i].lower, cases[i].upper, true);
        check(out, cases[i].text);
    }
}

int main(void)
{
    struct tcore_buf out = {0};
    durations(&out);
    ranges(&out);
    cli_human_count(&out, 1234567);
    check(&out, "1,234,567");
    cli_human_share(&out, 0.0052);
    check(&out, "0.52 %");
    tcore_buf_free(&out);
    return done_testing();
}
