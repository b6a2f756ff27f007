/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where import cuts its input into documents. Each case is read in pieces of every size, and in
 * front of blanks of many lengths, since neither may change where the cuts are.
 */
#include "tap.h"

#include "record/import/split.h"

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

/* Long documents, cut into parts of at least 16 bytes once they have 64: what a part is (head,
 * elements, tail), whether it is the last, and its text as a document of its own. */
#define E "{\"a\":\"012345678\"}" /* 17 bytes */
static const struct split_case parts[] = {
    {"a list that is too short for parts", "[" E "," E "]", "1:1=[" E "," E "]\n"},
    {"a long list", "[" E "," E "," E "," E "," E "]",
     "1:1=E[" E "]\n1:19=E[" E "]\n1:37=E[" E "]\n1:55=E[" E "]\n1:73=E.[" E "]\n"},
    {"small elements go together",
     "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]{}",
     "1:1=E[1,2,3,4,5,6,7,8]\n1:17=E[9,10,11,12,13,14]\n1:34=E[15,16,17,18,19,20]\n"
     "1:52=E.[21,22,23,24,25]\n1:68={}\n"},
    {"over lines", "[\n" E ",\n" E ",\n" E ",\n" E "\n]\n{}\n",
     "1:1=E[~" E "]\n2:18=E[~" E "]\n3:18=E[~" E "]\n4:18=E.[~" E "~]\n7:1={}\n"},
    {"brackets and commas in strings, and deeper ones",
     "[{\"a\":\"],],{\\\"\"},[1,[2,{\"b\":[3,4,5,6,7]}]],[{\"c\":[]},9,9,9,9,9,9,9,9,9]]",
     "1:1=E[{\"a\":\"],],{\\\"\"}]\n1:17=E[[1,[2,{\"b\":[3,4,5,6,7]}]]]\n"
     "1:43=E.[[{\"c\":[]},9,9,9,9,9,9,9,9,9]]\n"},
    {"a member with what is before and behind it",
     "{\"unit\":\"ns\", \"traceEvents\": [" E "," E "," E "] , \"x\": {}}\n{}",
     "1:1=H{\"unit\":\"ns\"}\n1:30=E[" E "]\n1:48=E[" E "]\n1:66=E[" E "]\n"
     "1:86=T.{ \"x\": {}}\n2:1={}\n"},
    {"a member alone", "{\"data\":[" E "," E "," E "," E "]\n}[]",
     "1:9=E[" E "]\n1:27=E[" E "]\n1:45=E[" E "]\n1:63=E[" E "]\n2:1=T.}\n2:2=[]\n"},
    {"one list behind the other",
     "{\"resourceLogs\":[" E "," E "," E "],\"resourceSpans\":[" E "," E "," E "," E "]}",
     "1:17=E[" E "]\n1:35=E[" E "]\n1:53=E[" E "]\n1:89=E[" E "]\n1:107=E[" E "]\n1:125=E[" E
     "]\n1:143=E[" E "]\n1:162=T.}\n"},
    {"a common word is no list unless it is first", "{\"a\":1,\"data\":[" E "," E "," E "," E "]}",
     "1:1={\"a\":1,\"data\":[" E "," E "," E "," E "]}\n"},
    {"a record of ours is no list", "{\"type\":\"log\",\"traceEvents\":[" E "," E "," E "]}",
     "1:1={\"type\":\"log\",\"traceEvents\":[" E "," E "," E "]}\n"},
    {"a list without an end", "[" E ",\n" E ",\n" E ",\n" E ",\n",
     "1:1=E[" E "]\n1:19=E[~" E "]\n2:18=E[~" E "]\n3:18=E.[~" E ",\n"},
    {"a list with a comma too many", "[" E "," E "," E "," E ",]",
     "1:1=E[" E "]\n1:19=E[" E "]\n1:37=E[" E "]\n1:55=E.[" E ",]\n"},
    {"a document without an end", "{\"data\":[" E "," E "," E "," E "]",
     "1:9=E[" E "]\n1:27=E[" E "]\n1:45=E[" E "]\n1:63=E[" E "]\n1:82=T.\n"},
    {"a string cut short in a list", "[" E "," E "," E "," E ",{\"a\":\"\n{\"b\":1}",
     "1:1=E[" E "]\n1:19=E[" E "]\n1:37=E[" E "]\n1:55=E[" E
     "]\n1:73=E.[{\"a\":\"\n2:1={\"b\":1}\n"},
    {"a string cut short in a list over lines", "[\n{\"a\":\"},\n{\"b\":1},\n{\"c\":1}]\n{}",
     "1:1=E[~{\"a\":\"},\n3:0=E.[{\"b\":1},~{\"c\":1}]\n5:1={}\n"},
    {"a string cut short in a long list over lines",
     "[" E ",\n" E ",\n" E ",{\"a\":\"\n" E ",\n" E ",\n" E ",\n" E "]",
     "1:1=E[" E "]\n1:19=E[~" E "]\n2:18=E[~" E "]\n3:18=E[{\"a\":\"\n4:0=E[" E "]\n4:18=E[~" E
     "]\n5:18=E[~" E "]\n6:18=E.[~" E "]\n"},
    {"lines, of which one goes on",
     "{\"a\":1}\n{\"b\":2}\n{\"c\":[\n3]}\n{\"d\":4} \r\n\n{\"e\":5}",
     "1:1={\"a\":1}\n2:1={\"b\":2}\n3:1={\"c\":[~3]}\n5:1={\"d\":4}\n7:1={\"e\":5}\n"},
    {"an element longer than the limit",
     "[" E "," E "," E
     ",{\"a\":\"01234567890123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789012345678901234567890123456789\"}]\n{}",
     "1:1=E[" E "]\n1:19=E[" E "]\n1:37=E[" E "]\n1:55 too long.\n2:1={}\n"},
};

struct text {
    char data[4096];
    size_t length;
};

static void add(struct text *t, const struct import_unit *unit, const char *data, size_t shift)
{
    static const char *const part_names[] = {"", "H", "E", "T"};
    char copy[4096];
    struct import_unit of_copy = *unit;
    memcpy(copy, data + unit->offset, unit->length);
    of_copy.offset = 0;
    import_unit_close(&of_copy, copy);
    t->length += (size_t)snprintf(
        t->data + t->length, sizeof(t->data) - t->length, "%d:%d%s%s%s", (int)unit->line,
        (int)(unit->byte - (unit->line == 1 ? shift : 0)), unit->too_long ? " too long" : "=",
        unit->too_long ? "" : part_names[unit->part],
        unit->part != PART_WHOLE && unit->last ? "." : "");
    for (size_t i = 0; i < unit->length; i++)
        t->data[t->length++] = copy[i] == '\n' ? '~' : copy[i];
    t->data[t->length++] = '\n';
    t->data[t->length] = '\0';
}

/* Splits input with so many blanks before it, given piece bytes at a time; the bytes that are not
 * needed any more are dropped after every piece. waits: lines may wait for their rest. */
static void split(struct text *got, const char *input, size_t shift, size_t piece,
                  size_t part_bytes, bool waits)
{
    static char data[4096];
    struct import_split s = {.line = 1, .limit = part_bytes ? 100 : 64, .part_bytes = part_bytes};
    s.more = waits;
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

static void check(const struct split_case *c, size_t part_bytes)
{
    struct text got;
    bool same = true;
    for (size_t shift = 0; same && shift < 70; shift += 3)
        for (size_t piece = 1; same && piece < 200; piece += piece < 10 ? 1 : 19) {
            split(&got, c->input, shift, piece, part_bytes, false);
            same = strcmp(got.data, c->wanted) == 0;
            if (!same)
                break;
            split(&got, c->input, shift, piece, part_bytes, true);
            same = strcmp(got.data, c->wanted) == 0;
        }
    if (!ok(same, "%s", c->name))
        printf("#      got: %s\n#   wanted: %s\n", got.data, c->wanted);
}

/* A line whose rest is about to come is not looked at, and one whose rest is not is a document as
 * soon as it is whole. */
static void check_waiting(void)
{
    static const char input[] = "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n{\"d\":4}";
    static const struct {
        size_t length;
        bool more;
        unsigned units; /* of which the first two are lines, and nobody knows that at once */
        enum import_split_state state;
    } steps[] = {
        {21, true, 2, SPLIT_BETWEEN}, /* in the third line */
        {23, true, 2, SPLIT_BETWEEN}, /* behind its bracket */
        {24, true, 2, SPLIT_BETWEEN}, /* behind its newline */
        {24, false, 3, SPLIT_BETWEEN}, {31, true, 3, SPLIT_BETWEEN}, {31, false, 4, SPLIT_BETWEEN},
    };
    struct import_split s = {.line = 1, .limit = 100, .part_bytes = 16};
    struct import_unit unit;
    unsigned units = 0;
    bool good = true;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        s.more = steps[i].more;
        while (import_split_next(&s, input, steps[i].length, false, &unit))
            units++;
        good &= units == steps[i].units && s.state == steps[i].state;
    }
    ok(good && unit.offset == 24 && unit.line == 4, "lines wait for their rest");
}

int main(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&cases[i], 0);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        check(&parts[i], 16);
    check_waiting();
    return done_testing();
}
