/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of group keys as bytes, and back as JSON. */
#include "model/symbol.h"
#include "tap.h"

#include <string.h>

static const struct {
    const char *symbol, *json, *name;
} cases[] = {
    {"s", "\"\"", "an empty string"},
    {"sa", "\"a\"", "a string"},
    {"n0", "0", "one digit"},
    {"n-1", "-1", "a negative number"},
    {"n1.5", "1.5", "a fraction"},
    {"nNaN", "\"NaN\"", "no number"},
    {"nInfinity", "\"Infinity\"", "infinity"},
    {"n-Infinity", "\"-Infinity\"", "negative infinity"},
    {"t", "true", "true"},
    {"f", "false", "false"},
    {"0", "null", "null"},
    {"j[1]", "[1]", "a list"},
    {"", "", "absent"},
};

/* In larger memory, whatever is behind it: symbols lie one after the other, without an end. */
static void test_write(const char *behind)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char memory[64];
        size_t length = strlen(cases[i].symbol);
        memcpy(memory, cases[i].symbol, length);
        strcpy(memory + length, behind);
        struct tcore_buf out = {0};
        tcore_symbol_write(memory, length, &out);
        tcore_buf_putc(&out, '\0');
        is_str(out.data, cases[i].json, "%s, with \"%s\" behind it", cases[i].name, behind);
        tcore_buf_free(&out);
    }
}

int main(void)
{
    test_write("");
    test_write("Is");
    test_write("NI");
    return done_testing();
}
