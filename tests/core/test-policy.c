/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Policies of a repository: what is accepted, each error with its exact place and words, and what
 * the rest of the program asks of one. */
#include "record/repository/policy.h"

#include "failing.h"
#include "tap.h"

struct refused {
    const char *text, *problems;
};

static const char example[] =
    "version: 1\n"
    "collection: {host: {interval: 10s}, drop: ['.name == \"GET /healthz\"']}\n"
    "sampling: {head: 0.1, tail: [{keep: errors}, {keep: slower_than, value: 2s}, {rate: 5 per "
    "second}]}\n"
    "labels: {pii: [user.email, enduser.id, \"http.request.header.*\"], secret: [db.statement]}\n"
    "roles:\n"
    "  analyst: {read: [public, internal], key: keys/analyst.pub}\n"
    "  privacy: {read: [pii, secret], key: keys/privacy.pub, may: [erase, hold]}\n"
    "  admin: {may: retain, users: [root, anna]}\n"
    "redact:\n"
    "  - {fields: [http.url, message], mask: '(?i)(token|password)=[^& ]+', with: '$1=***'}\n"
    "  - {fields: [enduser.id], pseudonym: hmac}\n"
    "retention: [{type: span, keep: 30d}, {type: aggregate, keep: 2y}, {service: payments, keep: "
    "7y}, {label: pii, keep: 90d}, {size: 100G}]\n"
    "durability: record\n"
    "audit: {reads: true, checkpoint: /var/log/tracecore.checkpoints}\n"
    "segment: {records: 500000, bytes: 64M, age: 5m}\n";

static const char *const accepted[] = {
    "",
    "# nothing\n",
    "{}\n",
    "{\"version\": 1}\n",
    "collection: {}\n",
    "collection: {drop: '.durationNano < 1*ms'}\n",
    "sampling: {head: 0}\n",
    "sampling: {head: 5%, tail: []}\n",
    "sampling: {tail: [{rate: 1 per 10m}]}\n",
    "roles: {a: {read: [internal], key: k}}\nlabels: {internal: '*', public: [a]}\n",
    "roles: {a: {}}\n",
    "redact: [{fields: x, drop: true}, {fields: ['a*'], keep: true}, {fields: x, hash: blake2b}]\n",
    "redact: [{fields: x, mask: 'a(b)(?<c>d)', with: '$$ $1 ${2} ${c} $c'}]\n",
    "redact: [{fields: x, mask: '[0-9]', with: ''}]\n",
    "retention: [{keep: 1d}, {type: health, service: x, keep: 1y}]\n",
    "retention: []\n",
    "roles: {a: {may: hold, groups: adm}, b: {may: erase, groups: [wheel, adm], users: c}}\n",
    "retention: [{size: 100G}, {size: 1}]\n",
    "audit: {}\n",
    "segment: {age: 1h}\n",
};

static const struct refused refused[] = {
    {"- a\n", "p:1:1: a policy must be a map\n"},
    {"version: 2\n", "p:1:10: version '2' is not known to this program: 1\n"},
    {"version: [1]\n", "p:1:10: version must be a single value\n"},
    {"retenton: []\n", "p:1:1: unknown key 'retenton': did you mean retention?\n"},
    {"colour: blue\n", "p:1:1: unknown key 'colour'\n"},
    {"audit: {}\naudit: {}\n", "p:2:1: 'audit' is there twice\n"},
    {"a: [\n", "p:2:1: did not find expected node content\n"},
    {"a: *x\n", "p:1:4: an alias: write the value out\n"},
    /* collection */
    {"collection: [host]\n", "p:1:13: collection must be a map\n"},
    {"collection: {hosts: {}}\n", "p:1:14: unknown key 'hosts': did you mean host?\n"},
    {"collection: {host: {}}\n", "p:1:20: host: interval is missing (interval: 10s)\n"},
    {"collection: {host: {interval: 10}}\n",
     "p:1:31: interval: '10' is not a duration (250ms 10s 5m 2h 7d)\n"},
    {"collection: {host: {interval: 0s}}\n", "p:1:31: interval must be more than 0\n"},
    {"collection: {host: 10s}\n", "p:1:20: host must be a map\n"},
    {"collection: {drop: {a: b}}\n", "p:1:20: drop must be a list\n"},
    {"collection: {drop: [[a]]}\n", "p:1:21: drop must be a single value\n"},
    {"collection:\n  drop:\n  - '.name = \"x\"'\n",
     "p:3:12: drop: = would assign: did you mean == ?\n"},
    /* sampling */
    {"sampling: {head: 2}\n", "p:1:18: head: '2' is above 1: for ten percent write 10%, or 0.1\n"},
    {"sampling: {head: 200%}\n", "p:1:18: head: '200%' is not between 0 and 1\n"},
    {"sampling: {head: -0.5}\n", "p:1:18: head: '-0.5' is not between 0 and 1\n"},
    {"sampling: {tails: []}\n", "p:1:12: unknown key 'tails': did you mean tail?\n"},
    {"sampling: {tail: errors}\n", "p:1:18: tail must be a list\n"},
    {"sampling: {tail: [errors]}\n", "p:1:19: a rule of tail must be a map\n"},
    {"sampling: {tail: [{}]}\n", "p:1:19: a rule of tail has a condition (keep, where, any, all, "
                                 "not) or rate, probability, shapes or drop\n"},
    {"sampling: {tail: [{rate: 1 per second, probability: 1%}]}\n",
     "p:1:19: a rule of tail has one of rate, probability, shapes and drop\n"},
    {"sampling: {tail: [{keep: error}]}\n",
     "p:1:26: unknown reason to keep a trace 'error': did you mean errors?\n"},
    {"sampling: {tail: [{keep: slower_than}]}\n",
     "p:1:26: slower_than takes a value of more than 0 (value: 2s)\n"},
    {"sampling: {tail: [{keep: errors, value: 2s}]}\n",
     "p:1:41: value goes with keep: slower_than\n"},
    {"sampling: {tail: [{rate: 5/s}]}\n",
     "p:1:26: rate: '5/s' is not a rate (5 per second, 1 per 10m)\n"},
    {"sampling: {tail: [{rate: 0 per second}]}\n",
     "p:1:26: rate: '0 per second' is not a rate (5 per second, 1 per 10m)\n"},
    /* labels */
    {"labels: [pii]\n", "p:1:9: labels must be a map\n"},
    {"labels: {pi: [a]}\n", "p:1:10: unknown label 'pi': did you mean pii?\n"},
    {"labels: {public: []}\n", "p:1:18: public is empty\n"},
    {"labels: {public: {a: b}}\n", "p:1:18: public must be a list\n"},
    {"labels: {public: ['']}\n", "p:1:19: public: a name is empty\n"},
    {"labels: {public: [[a]]}\n", "p:1:19: public must be a single value\n"},
    {"labels: {public: [a, b, a]}\n", "p:1:25: 'a' has a label already: public\n"},
    {"labels: {public: a, public: b}\n", "p:1:21: 'public' is there twice\n"},
    {"labels: {public: a, pii: a}\n",
     "p:1:26: 'a' has a label already: public\n"
     "p:1:21: warning: no role with a key reads pii: nobody could, ever\n"},
    /* roles */
    {"roles: [a]\n", "p:1:8: roles must be a map\n"},
    {"roles: {a: b}\n", "p:1:12: a must be a map\n"},
    {"roles: {a: {}, a: {}}\n", "p:1:16: role 'a' is there twice\n"},
    {"roles: {a: {raed: [pii]}}\n", "p:1:13: unknown key 'raed': did you mean read?\n"},
    {"roles: {a: {read: [pii]}}\n",
     "p:1:19: role 'a' has no key to read that with (key: keys/a.pub)\n"},
    {"roles: {a: {read: [public, secrets], key: k}}\n",
     "p:1:28: unknown label 'secrets': did you mean secret?\n"},
    {"roles: {a: {may: [delete], key: k}}\n", "p:1:19: unknown action 'delete'\n"},
    {"roles: {a: {may: [erase, holt], key: k}}\n",
     "p:1:26: unknown action 'holt': did you mean hold?\n"},
    {"roles: {a: {may: [erase]}}\n",
     "p:1:18: nobody has the role 'a': it needs users, groups or a key to be known by\n"},
    {"roles: {a: {key: ''}}\n", "p:1:18: key is empty\n"},
    /* redact */
    {"redact: {fields: [a], drop: true}\n", "p:1:9: redact must be a list\n"},
    {"redact: [{fields: [a]}]\n",
     "p:1:10: a rule of redact has one of keep, drop, mask, pseudonym and hash\n"},
    {"redact: [{fields: [a], drop: true, keep: true}]\n",
     "p:1:10: a rule of redact has one of keep, drop, mask, pseudonym and hash\n"},
    {"redact: [{drop: true}]\n", "p:1:10: a rule of redact says what of: fields is missing\n"},
    {"redact: [{fields: [], drop: true}]\n", "p:1:19: fields is empty\n"},
    {"redact: [{fields: a, drop: yes}]\n", "p:1:28: drop: 'yes' is neither true nor false\n"},
    {"redact: [{fields: a, drop: false}]\n",
     "p:1:28: drop: false says nothing: leave the rule out\n"},
    {"redact: [{fields: a, mask: '(b'}]\n",
     "p:1:31: mask: bad pattern: missing closing parenthesis\n"},
    {"redact: [{fields: a, mask: b, with: '$1'}]\n",
     "p:1:38: with: this is no group of the pattern ($$ is a dollar sign)\n"},
    {"redact: [{fields: a, mask: (b), with: 'x ${2}'}]\n",
     "p:1:42: with: this is no group of the pattern ($$ is a dollar sign)\n"},
    {"redact: [{fields: a, mask: (b), with: '$1 cost $'}]\n",
     "p:1:48: with: this is no group of the pattern ($$ is a dollar sign)\n"},
    {"redact: [{fields: a, drop: true, with: x}]\n", "p:1:40: with goes with mask\n"},
    {"redact: [{fields: a, pseudonym: sha}]\n", "p:1:33: pseudonym: 'sha' is not known: hmac\n"},
    {"redact: [{fields: a, hash: md5}]\n", "p:1:28: hash: 'md5' is not known: blake2b\n"},
    {"redact: [{fields: a, maks: b}]\n", "p:1:22: unknown key 'maks': did you mean mask?\n"},
    /* retention */
    {"retention: {}\n", "p:1:12: retention must be a list\n"},
    {"retention: [{type: span}]\n", "p:1:13: a rule of retention says how long: keep is missing\n"},
    {"retention: [{type: spans, keep: 1d}]\n",
     "p:1:20: unknown record type 'spans': did you mean span?\n"},
    {"retention: [{type: clock, keep: 1d}]\n", "p:1:20: unknown record type 'clock'\n"},
    {"retention: [{keep: 1 month}]\n",
     "p:1:20: keep: '1 month' is not a duration (250ms 10s 5m 2h 7d)\n"},
    {"retention: [{keep: 0}]\n", "p:1:20: keep must be more than 0\n"},
    {"retention: [{keep: 300y}]\n",
     "p:1:20: keep: '300y' is too long a duration (at most 292 years)\n"},
    {"retention: [{size: 0}]\n", "p:1:20: size must be more than 0\n"},
    {"retention: [{size: 1x}]\n", "p:1:20: size: '1x' is not a size (64K 1M 2G)\n"},
    {"retention: [{type: span, size: 1G}]\n",
     "p:1:20: type does not go with size: make it a rule of its own\n"},
    {"retention: [{keep: 1d, size: 1G}]\n",
     "p:1:20: keep does not go with size: make it a rule of its own\n"},
    {"retention: [{service: a, label: pii, keep: 1d}]\n",
     "p:1:23: service does not go with label: make it a rule of its own\n"},
    {"retention: [{label: pi, keep: 1d}]\n", "p:1:21: unknown label 'pi': did you mean pii?\n"},
    {"retention: [{label: public, keep: 1d}]\n",
     "p:1:21: what is public is not sealed, and cannot go alone\n"},
    {"labels: {pii: [a]}\nroles: {a: {read: pii, key: k}}\nretention: [{label: pii}]\n",
     "p:3:13: a rule of retention says how long: keep is missing\n"},
    /* the rest */
    {"durability: always\n", "p:1:13: durability: 'always' is none of none, segment, record\n"},
    {"audit: {reads: 1}\n", "p:1:16: reads: '1' is neither true nor false\n"},
    {"audit: {checkpoint: x}\n",
     "p:1:21: checkpoint: 'x' is no absolute path: checkpoints are kept outside of the "
     "repository\n"},
    {"segment: {records: 0, bytes: 1Q, age: -1s}\n",
     "p:1:30: bytes: '1Q' is not a size (64K 1M 2G)\n"
     "p:1:39: age: '-1s' is not a duration (250ms 10s 5m 2h 7d)\n"
     "p:1:20: records must be more than 0\n"},
    {"segment: {rows: 1}\n", "p:1:11: unknown key 'rows'\n"},
};

static void try_accepted(size_t number, const char *text)
{
    struct policy policy = {0};
    struct tcore_error err = {0};
    enum tcore_status status = policy_parse(&policy, "p", text, strlen(text), NULL, &err);

    ok(status == TCORE_OK && !policy.problems.length, "accepted %zu", number);
    if (status != TCORE_OK)
        printf("# %s %.*s\n", err.text, (int)policy.problems.length,
               policy.problems.length ? policy.problems.data : "");
    policy_free(&policy);
}

static void try_refused(size_t number, const struct refused *wanted)
{
    struct policy policy = {0};
    struct tcore_error err = {0};
    enum tcore_status status =
        policy_parse(&policy, "p", wanted->text, strlen(wanted->text), NULL, &err);

    is_int(status, TCORE_BAD_INPUT, "refused %zu", number);
    is_mem(policy.problems.length ? policy.problems.data : "", policy.problems.length,
           wanted->problems, strlen(wanted->problems), "problems %zu", number);
    policy_free(&policy);
}

#define LABEL(key)      policy_label_of(&policy, key, strlen(key))
#define DAYS(days)      ((days)*INT64_C(86400) * 1000000000)
#define KEEPS(t, s)     policy_keep_ns(&policy, t, s, strlen(s))
#define REDACTION(f, i) policy_next_redaction(&policy, f, strlen(f), i)

static void test_example(void)
{
    struct policy policy = {0};
    struct tcore_error err = {0};
    size_t at = 0;

    is_int(policy_parse(&policy, "p", example, strlen(example), NULL, &err), TCORE_OK, "parsed");
    is_int(policy.problems.length, 0, "without a warning");
    is_int(policy.host_interval_ns, INT64_C(10000000000), "host.interval");
    ok(policy.drop.count == 1 && !strcmp(policy.drop.item[0], ".name == \"GET /healthz\""), "drop");
    is_double(policy.sampling.head, 0.1, "head");
    is_int(policy.sampling.count, 3, "three rules of tail");
    ok(policy.sampling.rule[0].when.item[0].kind == CLI_SAMPLING_ERRORS, "errors");
    ok(policy.sampling.rule[1].when.item[0].kind == CLI_SAMPLING_SLOWER_THAN &&
           policy.sampling.rule[1].when.item[0].value_ns == 2000000000,
       "slower_than");
    ok(policy.sampling.rule[2].action == CLI_SAMPLING_RATE && policy.sampling.rule[2].count == 5 &&
           policy.sampling.rule[2].per_ns == 1000000000,
       "rate");
    is_int(LABEL("user.email"), POLICY_PII, "a labelled key");
    is_int(LABEL("user.emai"), POLICY_PUBLIC, "part of one");
    is_int(LABEL("user.email2"), POLICY_PUBLIC, "more than one");
    is_int(LABEL("http.request.header.cookie"), POLICY_PII, "a key of a glob");
    is_int(LABEL("http.request.header."), POLICY_PII, "with nothing for the asterisk");
    is_int(LABEL("http.request.header"), POLICY_PUBLIC, "and without the dot");
    is_int(LABEL("db.statement"), POLICY_SECRET, "secret");
    ok(policy_uses_label(&policy, POLICY_PII) && !policy_uses_label(&policy, POLICY_INTERNAL),
       "labels in use");
    const struct policy_role *role = policy_next_recipient(&policy, POLICY_PII, &at);
    is_str(role->name, "privacy", "who reads pii");
    ok(!policy_next_recipient(&policy, POLICY_PII, &at), "nobody else");
    at = 0;
    role = policy_next_recipient(&policy, POLICY_INTERNAL, &at);
    is_str(role->key, "keys/analyst.pub", "who reads internal");
    at = 0;
    const struct policy_redaction *redaction = REDACTION("message", &at);
    ok(redaction && redaction->kind == POLICY_MASK && !strcmp(redaction->with, "$1=***"), "a mask");
    ok(!REDACTION("message", &at), "and no more");
    at = 0;
    redaction = REDACTION("enduser.id", &at);
    ok(redaction && redaction->kind == POLICY_PSEUDONYM, "a pseudonym");
    is_int(KEEPS(TCORE_RECORD_SPAN, "cart"), DAYS(30), "spans stay 30 days");
    is_int(KEEPS(TCORE_RECORD_SPAN, "payments"), DAYS(7 * 365), "those of payments 7 years");
    is_int(KEEPS(TCORE_RECORD_AGGREGATE, ""), DAYS(2 * 365), "aggregates 2 years");
    is_int(KEEPS(TCORE_RECORD_LOG, "cart"), -1, "others for ever");
    is_int(policy.retention_bytes, INT64_C(100) << 30, "the size of all segments");
    is_int(policy.label_keep_ns[POLICY_PII], DAYS(90), "pii stays 90 days");
    is_int(policy.label_keep_ns[POLICY_SECRET], 0, "secrets for ever");
    is_int(policy.durability, POLICY_DURABLE_RECORD, "durability");
    ok(policy.audit_reads, "reads are audited");
    is_str(policy.checkpoint, "/var/log/tracecore.checkpoints", "checkpoint");
    is_int(policy.segment_records, 500000, "records");
    is_int(policy.segment_bytes, 64 << 20, "bytes");
    is_int(policy.segment_age_ns, INT64_C(300000000000), "age");
    const bool holds[3] = {false, true, false};
    ok(policy_may(&policy, POLICY_RETAIN, "anna", NULL), "anna may retain");
    ok(!policy_may(&policy, POLICY_RETAIN, "ben", NULL), "ben may not");
    ok(!policy_may(&policy, POLICY_RETAIN, NULL, NULL), "nor one without a name");
    ok(!policy_may(&policy, POLICY_ERASE, "anna", NULL), "nor may anna erase");
    ok(policy_may(&policy, POLICY_ERASE, "ben", holds), "who holds the key may");
    policy_free(&policy);
}

static void test_questions(void)
{
    static const char text[] =
        "labels:\n  internal: ['*']\n  secret: ['*.token', 'a*b*c']\n  public: [x.token, plain]\n"
        "roles: {a: {read: [internal, secret], key: k}}\n"
        "redact:\n- {fields: [ok], keep: true}\n- {fields: ['*'], mask: a}\n- {fields: b, mask: "
        "b}\n"
        "- {fields: b, drop: true}\n- {fields: b, mask: c}\n";
    struct policy policy = {0};
    struct tcore_error err = {0};
    size_t at = 0, count = 0;

    is_int(policy_parse(&policy, "p", text, strlen(text), NULL, &err), TCORE_OK, "parsed");
    is_int(LABEL("any"), POLICY_INTERNAL, "any key");
    is_int(LABEL("y.token"), POLICY_SECRET, "of several globs the one that keeps most");
    is_int(LABEL("x.token"), POLICY_PUBLIC, "but a name before all of them");
    is_int(LABEL("abc"), POLICY_SECRET, "a glob of two asterisks");
    is_int(LABEL("a-b-bb-c-c"), POLICY_SECRET, "which may take what comes between");
    is_int(LABEL("acb"), POLICY_INTERNAL, "in that order");
    is_int(policy_label_of(&policy, "x\0.token", 8), POLICY_SECRET, "a NUL is a character");
    ok(policy_may(&policy, POLICY_ERASE, "ben", NULL), "what no role may, all may");
    for (const struct policy_redaction *r; (r = REDACTION("b", &at)); count++)
        ok(count == 2 ? r->kind == POLICY_DROP : r->kind == POLICY_MASK, "redaction %zu", count);
    is_int(count, 3, "none behind a drop");
    at = 0;
    ok(REDACTION("ok", &at)->kind == POLICY_KEEP && !REDACTION("ok", &at), "none behind a keep");
    policy_free(&policy);

    static const char unread[] = "labels: {pii: [a]}\n";
    is_int(policy_parse(&policy, "p", unread, strlen(unread), NULL, &err), TCORE_OK,
           "a label that nobody reads");
    tcore_buf_putc(&policy.problems, '\0');
    is_str(policy.problems.data,
           "p:1:10: warning: no role with a key reads pii: nobody could, ever\n", "is warned of");
    policy_free(&policy);
}

static void test_memory(void)
{
    bool more = true;
    unsigned long n = 0;
    long live = failing.live;

    while (more && n < 1000) {
        struct policy policy = {0};
        struct tcore_error err = {0};

        failing_begin(++n);
        enum tcore_status status = policy_parse(&policy, "p", example, strlen(example), NULL, &err);
        policy_free(&policy);
        more = failing_end();
        if (more ? status != TCORE_FATAL : status != TCORE_OK)
            ok(false, "allocation %lu: status %d", n, (int)status);
    }
    ok(!more && n > 10 && failing.live == live, "%lu failed allocations, nothing leaked", n - 1);
}

int main(void)
{
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++)
        try_accepted(i, accepted[i]);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        try_refused(i, &refused[i]);
    test_example();
    test_questions();
    test_memory();
    return done_testing();
}
