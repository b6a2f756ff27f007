/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "span/antipattern/words.h"

#include "span/antipattern/facts.h"

#include <string.h>
#include <strings.h>

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_one_of(const char *word, size_t length, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == length && !strncasecmp(*words, word, length))
            return true;
    return false;
}

/* Whether text has the word, which is in lower case. */
static bool contains(const char *text, size_t length, const char *word)
{
    size_t bytes = strlen(word);
    for (size_t at = 0; at + bytes <= length; at++)
        if (!strncasecmp(text + at, word, bytes))
            return true;
    return false;
}

unsigned words_statement(const char *text, size_t length)
{
    static const char *const reads[] = {
        "select",   "show",      "with",    "explain",      "describe", "values", "get",
        "mget",     "hget",      "hmget",   "find",         "hgetall",  "exists", "count",
        "distinct", "aggregate", "query",   "search",       "scan",     "lrange", "smembers",
        "zrange",   "ttl",       "getitem", "batchgetitem", "findone",  NULL};
    static const char *const writes[] = {
        "insert", "update",   "delete", "merge",   "replace",   "upsert",  "create",   "alter",
        "drop",   "set",      "hset",   "del",     "incr",      "decr",    "expire",   "lpush",
        "rpush",  "sadd",     "zadd",   "begin",   "start",     "commit",  "rollback", "lock",
        "call",   "truncate", "unlock", "execute", "savepoint", "putitem", "setex",    NULL};
    while (length && !is_letter(*text))
        text++, length--;
    size_t word = 0;
    while (word < length && is_letter(text[word]))
        word++;
    if (is_one_of(text, word, writes))
        return FACT_WRITES;
    if (!is_one_of(text, word, reads))
        return 0;
    return word == 6 && contains(text, length, "for update") ? FACT_WRITES : FACT_READS;
}

unsigned words_method(const char *text, size_t length)
{
    static const char *const reads[] = {"get", "head", "options", "query", NULL};
    static const char *const writes[] = {"post", "put", "patch", "delete", NULL};
    if (is_one_of(text, length, reads))
        return FACT_READS;
    return is_one_of(text, length, writes) ? FACT_WRITES : 0;
}

bool words_timeout(const char *text, size_t length)
{
    return contains(text, length, "timeout") || contains(text, length, "timed out") ||
           contains(text, length, "timedout") || contains(text, length, "time out") ||
           contains(text, length, "deadline");
}

bool words_pool(const char *name, size_t length)
{
    static const char *const waits[] = {"getconnection",
                                        "acquireconnection",
                                        "connectionacquire",
                                        "poolacquire",
                                        "acquirepool",
                                        "poolwait",
                                        "connectionwait",
                                        "waitforconnection",
                                        "poolcheckout",
                                        "borrowconnection",
                                        "connectionpool",
                                        "checkoutconnection",
                                        NULL};
    char plain[64];
    size_t count = 0;
    if (!memmem(name, length, "onn", 3) && !memmem(name, length, "ool", 3))
        return false;
    for (size_t i = 0; i < length && count < sizeof plain; i++)
        if (is_letter(name[i]))
            plain[count++] = name[i];
    for (size_t i = 0; waits[i]; i++)
        if (contains(plain, count, waits[i]))
            return true;
    return false;
}
