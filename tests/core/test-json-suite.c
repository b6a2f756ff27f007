/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSONTestSuite (Seriot): every text that a parser must accept is accepted, every one that it must
 * refuse is refused, and what we chose for those that RFC 8259 leaves open is written down below.
 * The suite is not part of the project: TRACECORE_TEST_DATA names the folder that has it.
 */
#include "model/json.h"
#include "tap.h"

#include <dirent.h>

static const struct {
    const char *name;
    bool accepted;
} choices[] = {
    /* Any literal is kept; only whoever computes with it meets the range of a double. */
    {"i_number_double_huge_neg_exp.json", true},
    {"i_number_huge_exp.json", true},
    {"i_number_neg_int_huge_exp.json", true},
    {"i_number_pos_double_huge_exp.json", true},
    {"i_number_real_neg_overflow.json", true},
    {"i_number_real_pos_overflow.json", true},
    {"i_number_real_underflow.json", true},
    {"i_number_too_big_neg_int.json", true},
    {"i_number_too_big_pos_int.json", true},
    {"i_number_very_big_negative_int.json", true},
    /* Escapes of lone surrogates are grammatical and are written back as escapes. */
    {"i_object_key_lone_2nd_surrogate.json", true},
    {"i_string_1st_surrogate_but_2nd_missing.json", true},
    {"i_string_1st_valid_surrogate_2nd_invalid.json", true},
    {"i_string_incomplete_surrogate_and_escape_valid.json", true},
    {"i_string_incomplete_surrogate_pair.json", true},
    {"i_string_incomplete_surrogates_escape_valid.json", true},
    {"i_string_invalid_lonely_surrogate.json", true},
    {"i_string_invalid_surrogate.json", true},
    {"i_string_inverted_surrogates_U+1D11E.json", true},
    {"i_string_lone_second_surrogate.json", true},
    /* Text is UTF-8, and valid. */
    {"i_string_UTF-16LE_with_BOM.json", false},
    {"i_string_UTF-8_invalid_sequence.json", false},
    {"i_string_UTF8_surrogate_U+D800.json", false},
    {"i_string_invalid_utf-8.json", false},
    {"i_string_iso_latin_1.json", false},
    {"i_string_lone_utf8_continuation_byte.json", false},
    {"i_string_not_in_unicode_range.json", false},
    {"i_string_overlong_sequence_2_bytes.json", false},
    {"i_string_overlong_sequence_6_bytes.json", false},
    {"i_string_overlong_sequence_6_bytes_null.json", false},
    {"i_string_truncated-utf-8.json", false},
    {"i_string_utf16BE_no_BOM.json", false},
    {"i_string_utf16LE_no_BOM.json", false},
    /* Within the limit of 512. */
    {"i_structure_500_nested_arrays.json", true},
    /* A byte-order mark belongs to the stream; its reader drops it before the first record. */
    {"i_structure_UTF-8_BOM_empty_object.json", false},
};

/* Whether the file is valid JSON, from an allocation as long as the text. */
static bool accepts(const char *folder, const char *name, struct tcore_error *err)
{
    char path[4096];
    struct tcore_json json = {0};
    struct tcore_buf text = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        printf("# cannot open %s\n", path);
        exit(1);
    }
    for (int c; (c = getc(file)) != EOF;)
        tcore_buf_putc(&text, (char)c);
    fclose(file);
    char *exact = malloc(text.length ? text.length : 1);
    if (text.length)
        memcpy(exact, text.data, text.length);
    bool accepted = tcore_json_parse(&json, exact, text.length, err) == TCORE_OK;
    tcore_json_free(&json);
    tcore_buf_free(&text);
    free(exact);
    return accepted;
}

static int choice_of(const char *name)
{
    for (size_t n = 0; n < sizeof choices / sizeof *choices; n++)
        if (!strcmp(choices[n].name, name))
            return choices[n].accepted;
    return -1;
}

static void run(const char *folder)
{
    struct tcore_error err;
    unsigned must = 0, must_not = 0, may = 0;
    DIR *entries = opendir(folder);
    if (!entries) {
        skip("%s is not there", folder);
        return;
    }
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        const char *name = entry->d_name;
        if (name[0] == '.' || name[1] != '_')
            continue;
        bool accepted = accepts(folder, name, &err);
        if (name[0] == 'y') {
            must++;
            ok(accepted, "accepted: %s", name);
        } else if (name[0] == 'n') {
            must_not++;
            ok(!accepted, "refused: %s", name);
        } else {
            may++;
            is_int(accepted, choice_of(name), "as we chose: %s", name);
        }
    }
    closedir(entries);
    ok(must >= 95 && must_not >= 188 && may >= 35, "the suite was there: %u, %u and %u texts", must,
       must_not, may);
}

int main(void)
{
    const char *data = getenv("TRACECORE_TEST_DATA");
    char folder[2048];
    if (data) {
        snprintf(folder, sizeof folder, "%s/hostile/JSONTestSuite/test_parsing", data);
        run(folder);
    } else {
        skip("TRACECORE_TEST_DATA does not name the folder that has JSONTestSuite");
    }
    return done_testing();
}
