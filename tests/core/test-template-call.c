/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Templates of statements and URLs: tables of what becomes of them, and what holds for any
 * text. */
#include <config.h>

#include "random.h"
#include "cli/template.h"
#include "tap.h"

#include <string.h>

typedef void template_function(struct tcore_buf *out, struct tcore_slice text);

static void statement(struct tcore_buf *out, struct tcore_slice text)
{
    template_statement(out, text, NULL);
}

static bool becomes(template_function *make, const char *text, const char *wanted)
{
    struct tcore_buf out = {0};
    make(&out, (struct tcore_slice){text, strlen(text)});
    tcore_buf_putc(&out, '\0');
    bool same = out.data && strcmp(out.data, wanted) == 0;
    if (!same)
        printf("# %s: %s\n", text, out.data);
    tcore_buf_free(&out);
    return same;
}

struct row {
    const char *text, *wanted;
};

static const struct row statements[] = {
    {"", ""},
    {"SELECT * FROM t WHERE id = 17", "SELECT * FROM t WHERE id = ?"},
    {"select  a ,\n b\tfrom t1 where x='it''s' and y=-2.5e-3;",
     "select a, b from t1 where x=? and y=?"},
    {"SELECT a FROM t WHERE s = 'it\\'s' AND b = 2", "SELECT a FROM t WHERE s = ? AND b = ?"},
    {"WHERE path = 'C:\\' AND b = 2", "WHERE path = ? AND b = ?"},
    {"IN (1, 2,3)", "IN (?)"},
    {"IN ('a', 'b', ?, $4)", "IN (?)"},
    {"IN (-1, +2)", "IN (?)"},
    {"VALUES (1, 'a'), (2, 'b'),(3,'c')", "VALUES (?)"},
    {"a = $1 AND b = :name AND c = @p1 AND d = %s AND e = %(x)s AND f = ?2",
     "a = ? AND b = ? AND c = ? AND d = ? AND e = ? AND f = ?"},
    {"x::text = 'a'::varchar", "x::text = ?::varchar"},
    {"SELECT @@version", "SELECT @@version"},
    {"SELECT 1 /* id=7 */ -- seven\nFROM t", "SELECT ? FROM t"},
    {"SELECT \"id\", \"a b\" FROM \"t\" WHERE \"t\".\"x\" = \"u\".\"y\"",
     "SELECT \"id\", \"a b\" FROM \"t\" WHERE \"t\".\"x\" = \"u\".\"y\""},
    {"WHERE name = \"bob\" AND x IN (\"a\", \"b\")", "WHERE name = ? AND x IN (?)"},
    {"INSERT INTO t (\"a\", \"b\") VALUES (1, 2)", "INSERT INTO t (\"a\", \"b\") VALUES (?)"},
    {"WHERE `a1` = 0xFF AND b = X'1f' AND c = N'x'", "WHERE `a1` = ? AND b = ? AND c = ?"},
    {"WHERE body = $tag$it's$tag$ AND x = $$y$$", "WHERE body = ? AND x = ?"},
    {"WHERE id = 550e8400-e29b-41d4-a716-446655440000", "WHERE id = ?"},
    {"a - 1, b-2, c = - 3", "a - ?, b-?, c = - ?"},
    {"LIMIT 10 OFFSET 20", "LIMIT ? OFFSET ?"},
    {"WHERE a = 'never closed", "WHERE a = ?"},
    {"SELECT 1 /* never closed", "SELECT ?"},
    {"GET user:17", "GET user:?"},
    {"HMGET cart:550e8400-e29b-41d4-a716-446655440000 a b", "HMGET cart:? a b"},
    {"{\"_id\": \"x\", \"n\": [1, 2]}", "{\"_id\": ?, \"n\": [?]}"},
    {"TRUE AND NULL", "TRUE AND NULL"},
};

static const struct row urls[] = {
    {"", ""},
    {"http://cart:8080/items/17?full=1#top", "cart/items/<num>"},
    {"https://u:p@example.com/a/b", "example.com/a/b"},
    {"http://10.1.2.3:80/v2/x", "<ip>/v2/x"},
    {"http://[::1]:80/x", "<ip>/x"},
    {"/users/550e8400-e29b-41d4-a716-446655440000", "/users/<uuid>"},
    {"/a/me@example.com/b%20c", "/a/<str>/<str>"},
    {"/page?next=http://x/y", "/page"},
    {"http://host", "host"},
};

static void test_rows(const char *what, template_function *make, const struct row *rows,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ok(becomes(make, rows[i].text, rows[i].wanted), "%s: %s", what, rows[i].text);
        ok(becomes(make, rows[i].wanted, rows[i].wanted), "%s: its own: %s", what, rows[i].wanted);
    }
}

static void test_values(void)
{
    static const struct {
        const char *text;
        uint32_t literals, placeholders;
    } rows[] = {{"SELECT a FROM t", 0, 0},
                {"a = 1 AND b = 'x'", 2, 0},
                {"IN (1, 2, 3)", 3, 0},
                {"a = ? AND b = 'x'", 1, 1},
                {"a = :x OR b = $2", 0, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tcore_buf out = {0};
        struct template_values values;
        template_statement(&out, (struct tcore_slice){rows[i].text, strlen(rows[i].text)}, &values);
        ok(values.literals == rows[i].literals && values.placeholders == rows[i].placeholders,
           "values of: %s", rows[i].text);
        tcore_buf_free(&out);
    }
}

/* Any text: it ends, reads nothing behind, and grows by a blank behind each comma at most. */
static void test_random(void)
{
    static const char letters[] = "aAfF019-'\"`$?:@%/*.,()[]{}#;= \n\\_e+&\303\251";
    static template_function *const functions[] = {template_name, statement, template_url};
    struct random_source source = {1};
    bool good = true;
    for (int round = 0; round < 30000 && good; round++) {
        size_t length = (size_t)random_below(&source, 48);
        char *text = malloc(length ? length : 1); /* its end is seen by a sanitizer */
        for (size_t i = 0; i < length; i++)
            text[i] = letters[random_below(&source, sizeof letters)];
        for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
            struct tcore_buf out = {0};
            functions[f](&out, (struct tcore_slice){text, length});
            good = good && !out.failed && out.length <= 8 * length;
            tcore_buf_free(&out);
        }
        free(text);
    }
    ok(good, "random texts");
}

int main(void)
{
    test_rows("statement", statement, statements, sizeof statements / sizeof *statements);
    test_rows("url", template_url, urls, sizeof urls / sizeof *urls);
    test_values();
    test_random();
    return done_testing();
}
