/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A unit that nobody expects is an error as one that is missing is: it may have been left by
 * another run, whose records would be counted with those of this one. */
#include <config.h>

#include "agg/units.h"

#include "base/sys.h"
#include "cli/message.h"

#include <string.h>

int agg_units_open(struct agg_units *units, const struct cli_strings *expect)
{
    *units = (struct agg_units){.expect = expect};
    return tcore_map_init(&units->came) || tcore_map_init(&units->counted) ? -1 : 0;
}

void agg_units_free(struct agg_units *units)
{
    tcore_map_free(&units->came);
    tcore_map_free(&units->counted);
    tcore_free(units->checksum);
}

enum tcore_status agg_units_came(struct agg_units *units, const char *unit, struct tcore_error *err)
{
    return tcore_map_intern(&units->came, unit, strlen(unit), NULL) == TCORE_MAP_NONE
               ? tcore_error_nomem(err)
               : TCORE_OK;
}

static bool keep_checksum(struct agg_units *units, uint32_t number, uint64_t checksum)
{
    if (number >= units->checksum_capacity) {
        size_t capacity = units->checksum_capacity ? units->checksum_capacity * 2 : 16;
        uint64_t *memory = tcore_reallocarray(units->checksum, capacity, sizeof *memory);
        if (!memory)
            return false;
        units->checksum = memory;
        units->checksum_capacity = capacity;
    }
    units->checksum[number] = checksum;
    return true;
}

enum tcore_status agg_units_count(struct agg_units *units, const char *unit, uint64_t checksum,
                                  bool *first, bool *other, struct tcore_error *err)
{
    uint32_t number = tcore_map_intern(&units->counted, unit, strlen(unit), first);
    *other = false;
    if (number == TCORE_MAP_NONE || (*first && !keep_checksum(units, number, checksum)))
        return tcore_error_nomem(err);
    if (!*first) {
        units->repeated++;
        *other = units->checksum[number] != checksum;
    }
    return TCORE_OK;
}

static bool has(const struct tcore_map *map, const char *unit)
{
    return tcore_map_find(map, unit, strlen(unit)) != TCORE_MAP_NONE;
}

/* False, and reported: a unit is missing, or one is there that is not in the list. */
static bool are_expected(const struct agg_units *units, struct cli *cli)
{
    struct tcore_map expected;
    bool ok = tcore_map_init(&expected) == 0;
    for (size_t i = 0; ok && i < units->expect->count; i++)
        ok = tcore_map_intern(&expected, units->expect->item[i], strlen(units->expect->item[i]),
                              NULL) != TCORE_MAP_NONE;
    if (!ok)
        cli_error(cli, "out of memory");
    bool as_expected = ok;
    for (uint32_t i = 0; ok && i < expected.count; i++)
        if (!has(&units->came, expected.keys[i].data)) {
            cli_error(cli, "unit %s is missing", expected.keys[i].data);
            as_expected = false;
        }
    for (uint32_t i = 0; ok && i < units->came.count; i++)
        if (!has(&expected, units->came.keys[i].data)) {
            cli_error(cli, "unit %s is none of those that --expect names",
                      units->came.keys[i].data);
            as_expected = false;
        }
    tcore_map_free(&expected);
    return as_expected;
}

bool agg_units_are_whole(const struct agg_units *units, struct cli *cli)
{
    bool whole = true;
    for (uint32_t i = 0; i < units->came.count; i++)
        if (!has(&units->counted, units->came.keys[i].data)) {
            cli_error(cli, "unit %s is cut short or damaged", units->came.keys[i].data);
            whole = false;
        }
    return (!units->expect->count || are_expected(units, cli)) && whole;
}
