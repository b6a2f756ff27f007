/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines through cli_main, by a table: what the verb sees, the exit status, and the first
 * line on standard error or output. */
#include <config.h>

#include "capture.h"
#include "cli/message.h"
#include "tap.h"

#define ARGS_MAX CAPTURE_ARGS

struct options {
    int64_t window_ns, limit;
    struct cli_strings by, stats, attributes;
    const char *mode, *name, *listen;
    double alpha, effect;
    bool exit_code, exemplars;
    struct cli_time at;
    int64_t memory;
};

static const struct cli_option option_table[] = {
    {0, "window", CLI_DURATION, offsetof(struct options, window_ns), "DUR", "length", NULL},
    {0, "by", CLI_LIST, offsetof(struct options, by), "LIST", "groups", NULL},
    {'s', "stat", CLI_LIST, offsetof(struct options, stats), "LIST", "statistics", NULL},
    {0, "attr", CLI_STRINGS, offsetof(struct options, attributes), "K=V", "attribute", NULL},
    {'m', "mode", CLI_CHOICE, offsetof(struct options, mode), "MODE", "mode", "fast|slow|s"},
    {'n', "name", CLI_STRING, offsetof(struct options, name), "NAME", "name", NULL},
    {'l', "listen", CLI_OPTIONAL, offsetof(struct options, listen), "PORT", "port", NULL},
    {0, "alpha", CLI_DOUBLE, offsetof(struct options, alpha), "A", "level", NULL},
    {0, "min-effect", CLI_PERCENT, offsetof(struct options, effect), "P", "effect", NULL},
    {'e', "exit-code", CLI_FLAG, offsetof(struct options, exit_code), NULL, "tell", NULL},
    {'x', "exemplars", CLI_FLAG, offsetof(struct options, exemplars), NULL, "ids", NULL},
    {0, "at", CLI_TIME, offsetof(struct options, at), "TIME", "when", NULL},
    {0, "memory", CLI_SIZE, offsetof(struct options, memory), "SIZE", "own memory", NULL},
    {0, "limit", CLI_INT, offsetof(struct options, limit), "N", "own limit", NULL},
    {0, "secret", CLI_FLAG, offsetof(struct options, exit_code), NULL, NULL, NULL},
};

static const char *const default_stats[] = {"count", "mean"};
static const struct options defaults = {
    .window_ns = 5, .limit = 7, .mode = "fast", .stats = {(const char **)default_stats, 2}};

/* What the verb saw, as one line: only what differs from nothing. */
static void show_list(char *line, size_t size, const char *name, const struct cli_strings *list)
{
    size_t at = strlen(line);
    if (list->count)
        at += (size_t)snprintf(line + at, size - at, " %s", name);
    for (size_t i = 0; i < list->count; i++)
        at += (size_t)snprintf(line + at, size - at, "<%s>", list->item[i]);
}

static char seen[1024];

static int run(struct cli *cli, void *data, int argc, char **argv)
{
    const struct options *o = data;
    size_t size = sizeof seen;
    snprintf(seen, size, "%s window=%" PRId64 " mode=%s", cli->verb->name, o->window_ns, o->mode);
    show_list(seen, size, "by", &o->by);
    show_list(seen, size, "stat", &o->stats);
    show_list(seen, size, "attr", &o->attributes);
    char *at = seen + strlen(seen);
    if (o->name)
        at += sprintf(at, " name=%s", o->name);
    if (o->listen)
        at += sprintf(at, " listen=<%s>", o->listen);
    if (o->alpha != 0 || o->effect != 0)
        at += sprintf(at, " alpha=%g effect=%g", o->alpha, o->effect);
    if (o->exit_code || o->exemplars)
        at += sprintf(at, " flags=%d%d", o->exit_code, o->exemplars);
    if (o->at.set)
        at += sprintf(at, " at=%" PRId64, o->at.unix_ns);
    if (o->memory || o->limit != 7 || cli->io.limit != -1 || cli->io.memory_bytes)
        at += sprintf(at, " memory=%" PRId64 " limit=%" PRId64, o->memory, o->limit);
    if (cli->io.threads || cli->io.where || cli->io.strict)
        at += sprintf(at, " j=%" PRId64 " where=%s strict=%d", cli->io.threads,
                      cli->io.where ? cli->io.where : "", cli->io.strict);
    for (int i = 0; i < argc; i++)
        at += sprintf(at, " [%s]", argv[i]);
    return cli_exit_status(cli, o->exit_code);
}

#define TABLE                                                                                      \
    .options = option_table, .option_count = sizeof option_table / sizeof *option_table,           \
    .options_size = sizeof(struct options), .defaults = &defaults, .run = run
static const struct cli_verb work = {.name = "work",
                                     .summary = "Work.",
                                     .operands = "[INPUT]...",
                                     .groups = CLI_READS | CLI_WRITES,
                                     TABLE};
static const struct cli_verb execute = {
    .name = "run", .summary = "Run.", .operands = "CMD [ARG]...", .groups = CLI_COMMAND, TABLE};
static const struct cli_verb *const verbs[] = {&work, &execute, NULL};
static const struct cli_program program = {"prog", "Test.", verbs, NULL, NULL};
static const struct cli_program with_default = {"prog", "Test.", verbs, "work", NULL};

static const struct cli_verb only = {
    .name = "", .summary = "Work.", .operands = "[INPUT]...", TABLE};
static const struct cli_verb *const only_verb[] = {&only, NULL};
static const struct cli_program single = {"prog", "Test.", only_verb, NULL, NULL};

struct line_case {
    const char *args[ARGS_MAX];
    int status;
    const char *text; /* what the verb saw (status 0 and 1), else the first line of the message */
};

#define STATS " stat<count><mean>"
#define PLAIN "window=5 mode=fast" STATS

static const struct line_case cases[] = {
    {{"work"}, 0, "work " PLAIN},
    {{"work", "a", "-", "b"}, 0, "work " PLAIN " [a] [-] [b]"},
    {{"work", "a", "-e", "b"}, 1, "work " PLAIN " flags=10 [a] [b]"},
    {{"work", "-ex"}, 1, "work " PLAIN " flags=11"},
    {{"work", "-xnfoo", "bar"}, 0, "work " PLAIN " name=foo flags=01 [bar]"},
    {{"work", "-xn", "foo", "bar"}, 0, "work " PLAIN " name=foo flags=01 [bar]"},
    {{"work", "-n="}, 0, "work " PLAIN " name=="},
    {{"work", "--listen", "x"}, 0, "work " PLAIN " listen=<> [x]"},
    {{"work", "--listen=5", "x"}, 0, "work " PLAIN " listen=<5> [x]"},
    {{"work", "-el", "x"}, 1, "work " PLAIN " listen=<> flags=10 [x]"},
    {{"work", "--name=", "x"}, 0, "work " PLAIN " name= [x]"},
    {{"work", "--name", "-x"}, 0, "work " PLAIN " name=-x"},
    {{"work", "--name", "--"}, 0, "work " PLAIN " name=--"},
    {{"work", "--name=a", "--name=b"}, 0, "work " PLAIN " name=b"},
    {{"work", "--", "-e", "--"}, 0, "work " PLAIN " [-e] [--]"},
    {{"work", "-5", "-.5", "-"}, 0, "work " PLAIN " [-5] [-.5] [-]"},
    {{"work", "--window=1m"}, 0, "work window=60000000000 mode=fast" STATS},
    {{"work", "--win", "1us"}, 0, "work window=1000 mode=fast" STATS},
    {{"work", "--mo=slow"}, 0, "work window=5 mode=slow" STATS},
    {{"work", "-ms"}, 0, "work window=5 mode=s" STATS},
    {{"work", "--by=a,b", "--by", "c"}, 0, "work window=5 mode=fast by<a><b><c>" STATS},
    {{"work", "--by=a\\,b,c\\d"}, 0, "work window=5 mode=fast by<a,b><c\\d>" STATS},
    {{"work", "--stat=p99"}, 0, "work window=5 mode=fast stat<p99>"},
    {{"work", "--stat="}, 0, "work window=5 mode=fast"},
    {{"work", "-scount,topk(5,name),sum"},
     0,
     "work window=5 mode=fast stat<count><topk(5,name)><sum>"},
    {{"work", "--by=f(a,b"}, 0, "work window=5 mode=fast by<f(a><b>" STATS},
    {{"work", "--by=a,,b"}, 2, "prog: --by: 'a,,b' has an empty item"},
    {{"work", "--attr=a=1,2", "--attr", "b=", "--attr="}, 0, "work " PLAIN " attr<a=1,2><b=><>"},
    {{"work", "--alpha=0.01", "--min-effect=5%"}, 0, "work " PLAIN " alpha=0.01 effect=0.05"},
    {{"work", "--at=@1.5"}, 0, "work " PLAIN " at=1500000000"},
    {{"work", "--memory=1M", "--limit=3"}, 0, "work " PLAIN " memory=1048576 limit=3"},
    {{"work", "-j4", "-w", ".a", "--strict"}, 0, "work " PLAIN " j=4 where=.a strict=1"},
    {{"work", "--secret"}, 1, "work " PLAIN " flags=10"},
    {{"run", "-e", "ls", "-x", "--no"}, 1, "run " PLAIN " flags=10 [ls] [-x] [--no]"},
    {{"run", "-e", "--", "-ls", "-x"}, 1, "run " PLAIN " flags=10 [-ls] [-x]"},

    {{"work", "--windw=1s"}, 2, "prog: unknown option --windw: did you mean --window?"},
    {{"work", "--windw"}, 2, "prog: unknown option --windw: did you mean --window?"},
    {{"work", "--completely-else"}, 2, "prog: unknown option --completely-else"},
    {{"work", "--=x"}, 2, "prog: unknown option --"},
    {{"work", "--sec"}, 2, "prog: unknown option --sec"},
    {{"work", "---"}, 2, "prog: unknown option ---"},
    {{"work", "-q"}, 2, "prog: unknown option -q"},
    {{"work", "-eq"}, 2, "prog: unknown option -q"},
    {{"work", "--m=x"}, 2, "prog: option --m is ambiguous: --mode --min-effect --memory"},
    {{"work", "--exit-code=1"}, 2, "prog: option --exit-code takes no value"},
    {{"work", "--name"}, 2, "prog: option --name needs a value (NAME)"},
    {{"work", "-xn"}, 2, "prog: option --name needs a value (NAME)"},
    {{"work", "--window=1"}, 2, "prog: --window: '1' is not a duration (250ms 10s 5m 2h 7d)"},
    {{"work", "--mode=fas"}, 2, "prog: --mode: 'fas' is none of fast, slow, s"},
    {{"work", "--mode="}, 2, "prog: --mode: '' is none of fast, slow, s"},
    {{"work", "-j", "two"}, 2, "prog: --threads: 'two' is not a whole number (0 or more)"},
    {{"work", "--limit=-1"}, 2, "prog: --limit: '-1' is not a whole number (0 or more)"},
    {{"work", "--name=a\x1b[m", "-\x1b"}, 2, "prog: unknown option -\\u001b"},
    {{"run", "--strict"}, 2, "prog: unknown option --strict"},

    {{NULL}, 2, "prog: a verb is needed"},
    {{""}, 2, "prog: unknown verb ''"},
    {{"wrok"}, 2, "prog: unknown verb 'wrok': did you mean work?"},
    {{"file.json"}, 2, "prog: unknown verb 'file.json'"},
    {{"-e", "work"}, 2, "prog: a verb is needed before -e"},
};

static const struct line_case default_cases[] = {
    {{NULL}, 0, "work " PLAIN},
    {{"-e"}, 1, "work " PLAIN " flags=10"},
    {{"run", "x"}, 0, "run " PLAIN " [x]"},
    {{"x.json", "run"}, 0, "work " PLAIN " [x.json] [run]"},
    {{"wrok"}, 2, "prog: unknown verb 'wrok': did you mean work?"},
    {{"./wrok"}, 0, "work " PLAIN " [./wrok]"},
    {{"something"}, 0, "work " PLAIN " [something]"},
};

static const struct line_case single_cases[] = {
    {{NULL}, 0, " " PLAIN},
    {{"work"}, 0, " " PLAIN " [work]"},
    {{"--nme"}, 2, "prog: unknown option --nme: did you mean --name?"},
};

static void check_lines(const struct cli_program *p, const struct line_case *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char what[256] = "";
        for (size_t a = 0; a < ARGS_MAX && table[i].args[a]; a++) {
            strcat(what, " ");
            strcat(what, table[i].args[a]);
        }
        for (char *at = what; *at; at++)
            if (*at == '\x1b')
                *at = '?';
        seen[0] = '\0';
        struct capture c = capture(p, table[i].args);
        char *text = c.out_length ? c.out : c.err;
        text[strcspn(text, "\n")] = '\0';
        is_int(c.status, table[i].status, "status of prog%s", what);
        is_str(seen[0] ? seen : text, table[i].text, "result of prog%s", what);
        capture_free(&c);
    }
}

static void check_help(void)
{
    static const struct line_case helps[] = {
        {{"--help"}, 0, "Usage: prog VERB [OPTION]... [OPERAND]..."},
        {{"-h"}, 0, "Usage: prog VERB [OPTION]... [OPERAND]..."},
        {{"work", "--help"}, 0, "Usage: prog work [OPTION]... [INPUT]..."},
        {{"work", "-eh", "--bad"}, 0, "Usage: prog work [OPTION]... [INPUT]..."},
        {{"work", "--version"}, 0, "prog (tracecore) " PACKAGE_VERSION},
        {{"--version"}, 0, "prog (tracecore) " PACKAGE_VERSION},
        {{"--list-verbs"}, 0, "work\t[INPUT]...\t\tWork."},
        {{"--list-options", "work"}, 0, "\twindow\tduration/DUR\t\tlength"},
        {{"--list-options"}, 0, "h\thelp\tflag\t\tshow this help and end"},
        {{"--list-options", "none"}, 2, "prog: unknown verb 'none'"},
    };
    check_lines(&program, helps, sizeof helps / sizeof *helps);
}

int main(void)
{
    check_lines(&program, cases, sizeof cases / sizeof *cases);
    check_lines(&with_default, default_cases, sizeof default_cases / sizeof *default_cases);
    check_lines(&single, single_cases, sizeof single_cases / sizeof *single_cases);
    check_help();
    return done_testing();
}
