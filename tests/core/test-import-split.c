/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where import cuts its input into documents. Each case is read in pieces of every size, and in
 * front of blanks of many lengths, since neither may change where the cuts are.
 */
#include "tap.h"

#include "record/import_split.h"

/* What the cuts should be: LINE:BYTE=TEXT, newlines as ~, one a line. */
static const struct split_case {
    const char *name, *input, *wanted;
} cases[] = {
    {"nothing", "", ""},
    {"blanks only", " \n\t\r\n", ""},
    {"one document without a newline", "{\"a\":1}", "1:1={\"a\":1}\n"},
    {"a document a line", "{\"a\":1}\n{\"b\":2}\r\n\n[3]\n",
     "1:1={\"a\":1}\n2:1={\"b\":2}\n4:1=[3]\n"},
    {"documents on one line", "{\"a\":1} {\"b\":[{}]}[]",
     "1:1={\"a\":1}\n1:9={\"b\":[{}]}\n1:19=[]\n"},
    {"a document over lines", "{\n  \"a\": [\n    1\n  ]\n}\n", "1:1={~  \"a\": [~    1~  ]~}\n"},
    {"documents over lines", "{\n \"a\": {}\n}\n{\n \"b\": 2\n}",
     "1:1={~ \"a\": {}~}\n4:1={~ \"b\": 2~}\n"},
    {"lines without indentation", "[\n{\n\"a\":1\n},\n{\"b\":2}\n]",
     "1:1=[~{~\"a\":1~},~{\"b\":2}~]\n"},
    {"brackets in strings", "{\"a\":\"}]{[\"}\n{\"b\":\"\\\"}\"}",
     "1:1={\"a\":\"}]{[\"}\n2:1={\"b\":\"\\\"}\"}\n"},
    {"backslashes before a quote", "{\"a\":\"\\\\\"}{\"b\":\"\\\\\\\"}\"}",
     "1:1={\"a\":\"\\\\\"}\n1:11={\"b\":\"\\\\\\\"}\"}\n"},
    {"no JSON at all", "hello {\nworld\n", "1:1=hello {\n2:1=world\n"},
    {"junk between documents", "{\"a\":1}\n, oops\n{\"b\":2}\n",
     "1:1={\"a\":1}\n2:1=, oops\n3:1={\"b\":2}\n"},
    {"a bracket too much", "{\"a\":1}}\n{\"b\":2}\n", "1:1={\"a\":1}\n1:8=}\n2:1={\"b\":2}\n"},
    {"a string cut short", "{\"a\":\"x\n{\"b\":2}\n", "1:1={\"a\":\"x\n2:1={\"b\":2}\n"},
    {"a backslash before the newline", "{\"a\":\"x\\\n{\"b\":2}\n",
     "1:1={\"a\":\"x\\\n2:1={\"b\":2}\n"},
    {"a document cut short behind a value", "{\"a\":{}\n{\"b\":2}\n",
     "1:1={\"a\":{}\n2:1={\"b\":2}\n"},
    {"a document cut short behind a comma among lines", "{\"z\":0}\n{\"a\":{},\n{\"b\":2}\n",
     "1:1={\"z\":0}\n2:1={\"a\":{},\n3:1={\"b\":2}\n"},
    {"a document cut short by the end", "{\"a\":1}\n{\"b\":[1,", "1:1={\"a\":1}\n2:1={\"b\":[1,\n"},
    {"a text sequence", "\x1e{\"a\":1}\n\x1e{\"b\":2}\n", "1:2={\"a\":1}\n2:2={\"b\":2}\n"},
    {"a document longer than the limit",
     "{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}\n{\"b\":2}"
     "\n",
     "1:1 too long\n2:1={\"b\":2}\n"},
    {"a line longer than the limit",
     "xx 0123456789012345678901234567890123456789012345678901234567890123456789\n{\"b\":2}\n",
     "1:1 too long\n2:1={\"b\":2}\n"},
    {"a document over lines longer than the limit",
     "{\n\"a\": "
     "[\n\"01234567890123456789\",\n\"01234567890123456789\",\n\"01234567890123456789\"\n]\n}\n"
     "{\n\"b\":2\n}\n",
     "1:1 too long\n8:1={~\"b\":2~}\n"},
};

struct text {
    char data[4096];
    size_t length;
};

static void add(struct text *t, const struct import_unit *unit, const char *data, size_t shift)
{
    t->length += (size_t)snprintf(
        t->data + t->length, sizeof(t->data) - t->length, "%d:%d%s", (int)unit->line,
        (int)(unit->byte - (unit->line == 1 ? shift : 0)), unit->too_long ? " too long" : "=");
    for (size_t i = 0; i < unit->length; i++) {
        char c = data[unit->offset + i];
        t->data[t->length++] = c == '\n' ? '~' : c;
    }
    t->data[t->length++] = '\n';
    t->data[t->length] = '\0';
}

/* Splits input with so many blanks before it, given piece bytes at a time; the bytes that are not
 * needed any more are dropped after every piece. */
static void split(struct text *got, const char *input, size_t shift, size_t piece)
{
    static char data[4096];
    struct import_split s = {.line = 1, .limit = 64};
    size_t total = strlen(input) + shift, given = 0, held = 0;
    struct import_unit unit;
    got->length = 0;
    got->data[0] = '\0';
    do {
        size_t more = total - given < piece ? total - given : piece;
        for (size_t i = 0; i < more; i++, given++)
            data[held++] = given < shift ? ' ' : input[given - shift];
        while (import_split_next(&s, data, held, given == total, &unit))
            add(got, &unit, data, shift);
        bool open = s.state == SPLIT_INSIDE || s.state == SPLIT_JUNK;
        size_t drop = open ? s.start : s.at;
        memmove(data, data + drop, held - drop);
        held -= drop;
        import_split_drop(&s, drop);
    } while (given < total);
}

int main(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text got;
        bool same = true;
        for (size_t shift = 0; same && shift < 70; shift += 3)
            for (size_t piece = 1; same && piece < 200; piece += piece < 10 ? 1 : 19) {
                split(&got, cases[i].input, shift, piece);
                same = strcmp(got.data, cases[i].wanted) == 0;
            }
        if (!ok(same, "%s", cases[i].name))
            printf("#      got: %s\n#   wanted: %s\n", got.data, cases[i].wanted);
    }
    return done_testing();
}
