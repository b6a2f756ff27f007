/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which paths a column looks at, for exact paths and for names under the lookup rules. */
#include "failing.h"
#include "model/projection.h"
#include "tap.h"

static struct tcore_error err;

/* The candidate paths of a column: a/b|c. */
static const char *paths(const struct tcore_projection_column *column)
{
    static char text[1000];
    text[0] = '\0';
    size_t at = 0;
    for (size_t i = 0; i < column->path_count; i++)
        for (size_t k = 0; k < column->paths[i].count; k++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s",
                                   k   ? "/"
                                   : i ? "|"
                                       : "",
                                   (int)column->paths[i].keys[k].length,
                                   column->paths[i].keys[k].name);
    return text;
}

static void test_fields(void)
{
    static const struct {
        const char *name, *wanted;
    } cases[] = {
        {"http.route", "http.route|attributes/http.route|dimensions/http.route|group/"
                       "http.route|resource/http.route"},
        {"kind", "kind|attributes/kind|dimensions/kind|group/kind|resource/kind"},
        {"service", "service|attributes/service|dimensions/service|group/service|resource/service|"
                    "resource/service.name"},
        {"durationNano",
         "durationNano|attributes/durationNano|dimensions/durationNano|group/durationNano|"
         "resource/durationNano"},
        {"attributes.http.route", "attributes/http.route"},
        {"resource.service.name", "resource/service.name"},
        {"scope.name", "scope/name"},
        {"dimensions.x", "dimensions/x"},
        {"context.traceId", "context/traceId"},
        {"structure.spanCount", "structure/spanCount"},
        {"timeline.totalDuration", "timeline/totalDuration"},
        {"group.service", "group/service"},
        {"histogram.count", "histogram/count"},
        {"quality.sampleRate", "quality/sampleRate"},
        {"metadata.source", "metadata/source"},
        {"services.involvedServices", "services/involvedServices"},
        {"performance.overallLatency", "performance/overallLatency"},
        {"errors.errorCount", "errors/errorCount"},
        {"sampling.samplingRate", "sampling/samplingRate"},
        {"analysis.performanceScore", "analysis/performanceScore"},
        {"attributes.durationNano", "attributes/durationNano"},
        {"attributes", "attributes|attributes/attributes|dimensions/attributes|group/attributes|"
                       "resource/attributes"},
        {"attributes.",
         "attributes.|attributes/attributes.|dimensions/attributes.|group/attributes.|"
         "resource/attributes."},
        {"attributesx.y",
         "attributesx.y|attributes/attributesx.y|dimensions/attributesx.y|group/attributesx.y|"
         "resource/attributesx.y"},
        {"events.name",
         "events.name|attributes/events.name|dimensions/events.name|group/events.name|"
         "resource/events.name"},
        {"", "|attributes/|dimensions/|group/|resource/"},
    };
    struct tcore_projection p = {0};
    size_t column = 99;
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        ok(tcore_projection_add_field(&p, cases[n].name, &column, &err) == TCORE_OK &&
               column == n && p.count == n + 1,
           "a column for \"%s\"", cases[n].name);
        is_str(paths(&p.columns[column]), cases[n].wanted, "looks where it should");
        is_str(p.columns[column].name, cases[n].name, "and is called so");
    }
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        ok(tcore_projection_add_field(&p, cases[n].name, &column, &err) == TCORE_OK && column == n,
           "\"%s\" again is the same column", cases[n].name);
    tcore_projection_free(&p);
    ok(p.count == 0 && !p.columns, "a freed projection is empty");
}

static void test_paths(void)
{
    static const struct {
        struct tcore_path_key keys[3];
        size_t count;
        const char *name, *wanted;
    } cases[] = {
        {{{"name", 4}}, 1, ".name", "name"},
        {{{"service", 7}}, 1, ".service", "service|resource/service.name"},
        {{{"durationNano", 12}}, 1, ".durationNano", "durationNano"},
        {{{"attributes", 10}, {"http.route", 10}},
         2,
         ".attributes[\"http.route\"]",
         "attributes/http.route"},
        {{{"attributes", 10}, {"service", 7}}, 2, ".attributes.service", "attributes/service"},
        {{{"a b", 3}, {"c\"d", 3}, {"9", 1}}, 3, ".[\"a b\"][\"c\\\"d\"][\"9\"]", "a b/c\"d/9"},
        {{{"attributes", 4}}, 1, ".attr", "attr"},
        {{{"", 0}}, 1, ".[\"\"]", ""},
    };
    struct tcore_projection p = {0};
    size_t column = 99;
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        ok(tcore_projection_add_path(&p, cases[n].keys, cases[n].count, &column, &err) ==
                   TCORE_OK &&
               column == n && p.count == n + 1,
           "a column for %s", cases[n].name);
        is_str(p.columns[column].name, cases[n].name, "named as jq writes it");
        is_str(paths(&p.columns[column]), cases[n].wanted, "with its paths");
    }
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        ok(tcore_projection_add_path(&p, cases[n].keys, cases[n].count, &column, &err) ==
                   TCORE_OK &&
               column == n,
           "%s again is the same column", cases[n].name);
    ok(tcore_projection_add_field(&p, "attributes.http.route", &column, &err) == TCORE_OK &&
           column == 3,
       "so is a field that means the same path");
    ok(tcore_projection_add_field(&p, "name", &column, &err) == TCORE_OK && column == p.count - 1,
       "but not one that looks elsewhere too");
    tcore_projection_free(&p);
}

static void test_allocation_failures(void)
{
    static const struct tcore_path_key keys[] = {{"attributes", 10}, {"a \"very\" long key", 17}};
    unsigned long wrong = 0, round = 1;
    for (bool failed = true; failed; round++) {
        struct tcore_projection p = {0};
        size_t column;
        unsigned failures = 0;
        failing_begin(round);
        failures += tcore_projection_add_field(&p, "service", &column, &err) == TCORE_FATAL;
        failures += tcore_projection_add_path(&p, keys, 2, &column, &err) == TCORE_FATAL;
        failures += tcore_projection_add_path(&p, keys, 1, &column, &err) == TCORE_FATAL;
        wrong += p.count + failures != 3;
        tcore_projection_free(&p);
        failed = failing_end();
        wrong += failures != failed;
    }
    ok(round > 10, "each of %lu allocations failed once", round - 2);
    is_int(wrong, 0, "each time the caller was told and the rest stayed");
    is_int(failing.live, 0, "nothing leaked");
}

int main(void)
{
    test_fields();
    test_paths();
    test_allocation_failures();
    return done_testing();
}
