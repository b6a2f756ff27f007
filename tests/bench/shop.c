/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shop's operations and traces. Latencies are log-normal by operation, one span in a hundred
 * fails, calls go from a client span to a server span of another service.
 */
#include "shop.h"

#include "emit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LONGEST_NS   (30 * SECOND_NS)

const char *const service_names[SERVICES] = {"frontend", "cart",    "checkout",   "payment",
                                             "shipping", "catalog", "currency",   "recommendation",
                                             "ads",      "email",   "accounting", "search"};
static const char *const nouns[] = {
    "items",  "orders",   "users",   "sessions", "prices",    "stock",   "coupons", "quotes",
    "labels", "invoices", "refunds", "reviews",  "banners",   "images",  "tokens",  "addresses",
    "rates",  "lists",    "events",  "offers",   "returns",   "bundles", "ranks",   "vouchers",
    "views",  "alerts",   "limits",  "profiles", "suppliers", "tags"};

static void name_operation(struct operation *operation, int index)
{
    static const char *const methods[] = {"GET", "GET", "POST", "PUT", "DELETE"};
    static const char *const statements[] = {"SELECT", "SELECT", "INSERT", "UPDATE"};
    const char *service = service_names[operation->service];
    const char *noun = nouns[(operation->service * 7 + index) % COUNT(nouns)];
    const char *peer = service_names[(operation->service + index) % SERVICES];
    switch (operation->shape) {
    case HTTP_SERVER:
    case HTTP_CLIENT:
        operation->verb = methods[index % COUNT(methods)];
        operation->kind = operation->shape == HTTP_SERVER ? "server" : "client";
        if (operation->shape == HTTP_SERVER)
            snprintf(operation->target, sizeof operation->target, "/api/%s/%s%s", service, noun,
                     index % 2 ? "/{id}" : "");
        else
            snprintf(operation->target, sizeof operation->target, "%s.shop", peer);
        snprintf(operation->name, sizeof operation->name, "%s %s%s", operation->verb,
                 operation->shape == HTTP_SERVER ? operation->target : "/",
                 operation->shape == HTTP_SERVER ? "" : noun);
        break;
    case DATABASE:
        operation->verb = statements[index % COUNT(statements)];
        operation->kind = "client";
        snprintf(operation->target, sizeof operation->target, "%s", noun);
        snprintf(operation->name, sizeof operation->name, "%s %s", operation->verb, noun);
        break;
    case MESSAGE:
        operation->verb = index % 20 == 9 ? "publish" : "process";
        operation->kind = index % 20 == 9 ? "producer" : "consumer";
        snprintf(operation->target, sizeof operation->target, "%s.%s", service, noun);
        snprintf(operation->name, sizeof operation->name, "%s %s.%s", operation->verb, service,
                 noun);
        break;
    default:
        operation->verb = "call";
        operation->kind = "internal";
        snprintf(operation->target, sizeof operation->target, "%s.load_%s", service, noun);
        snprintf(operation->name, sizeof operation->name, "load %s", noun);
        break;
    }
}

void shop_init(struct shop *shop, uint64_t seed)
{
    *shop = (struct shop){.random = seed};
    static const enum shape shapes[10] = {HTTP_SERVER, HTTP_SERVER, DATABASE, HTTP_CLIENT, INTERNAL,
                                          HTTP_SERVER, HTTP_CLIENT, DATABASE, HTTP_SERVER, MESSAGE};
    static const double median_ns[SHAPES] = {20e6, 12e6, 2e6, 4e6, 1e6};
    for (int service = 0; service < SERVICES; service++) {
        int count = 20 + service * 7 % 11;
        for (int index = 0; index < count; index++) {
            struct operation *operation = &shop->operations[shop->operation_count];
            operation->service = service;
            operation->shape = shapes[index % 10];
            operation->log_median =
                log(median_ns[operation->shape]) + 2.5 * (uniform(&shop->random) - 0.5);
            operation->sigma = 0.4 + 0.8 * uniform(&shop->random);
            name_operation(operation, index);
            int *filled = &shop->of_shape_count[service][operation->shape];
            shop->of_shape[service][operation->shape][(*filled)++] =
                (uint16_t)shop->operation_count++;
        }
    }
}

/* Some operations are called more often than others. */
static uint16_t pick_operation(struct shop *shop, int service, enum shape shape)
{
    double u = uniform(&shop->random);
    return shop->of_shape[service][shape][(int)(u * u * shop->of_shape_count[service][shape])];
}

static uint16_t pick_root(struct shop *shop)
{
    uint32_t choice = below(&shop->random, 100);
    int service = choice < 40 ? 0 : (int)below(&shop->random, SERVICES);
    return pick_operation(shop, service, choice < 95 ? HTTP_SERVER : MESSAGE);
}

/* A client call is answered by a server elsewhere; anything else calls out of its own service. */
static uint16_t pick_child(struct shop *shop, const struct operation *parent)
{
    static const enum shape children[10] = {HTTP_CLIENT, HTTP_CLIENT, HTTP_CLIENT, HTTP_CLIENT,
                                            DATABASE,    DATABASE,    DATABASE,    INTERNAL,
                                            INTERNAL,    MESSAGE};
    if (parent->shape == HTTP_CLIENT) {
        int service = (parent->service + 1 + (int)below(&shop->random, SERVICES - 1)) % SERVICES;
        return pick_operation(shop, service, HTTP_SERVER);
    }
    return pick_operation(shop, parent->service, children[below(&shop->random, 10)]);
}

static bool may_have_child(const struct shop *shop, const struct span *span, bool has_child)
{
    enum shape shape = shop->operations[span->operation].shape;
    return shape == HTTP_SERVER || shape == INTERNAL || (shape == HTTP_CLIENT && !has_child);
}

static void draw_span(struct shop *shop, struct span *span)
{
    const struct operation *operation = &shop->operations[span->operation];
    double ns = exp(operation->log_median + operation->sigma * normal(&shop->random));
    span->duration_ns = ns < (double)LONGEST_NS ? (int64_t)ns : LONGEST_NS;
    uint64_t bits = next_random(&shop->random);
    span->detail = (uint32_t)bits;
    span->host = (uint8_t)(bits >> 32 & (HOSTS_PER_SERVICE - 1));
    span->error = (bits >> 40) % 100 == 0;
    do
        span->span_id = next_random(&shop->random);
    while (span->span_id == 0);
}

int shop_trace(struct shop *shop, int64_t start_ns, struct span spans[MAX_TRACE_SPANS], int limit)
{
    double u = uniform(&shop->random);
    int count = 1 + (int)((MAX_TRACE_SPANS - 1) * u * u * u + uniform(&shop->random));
    if (count > limit)
        count = limit;
    bool has_child[MAX_TRACE_SPANS] = {false};
    spans[0] = (struct span){.trace_high = next_random(&shop->random),
                             .trace_low = next_random(&shop->random) | 1,
                             .start_ns = start_ns,
                             .operation = pick_root(shop)};
    draw_span(shop, &spans[0]);
    for (int i = 1; i < count; i++) {
        int parent = (int)below(&shop->random, (uint32_t)i);
        while (parent > 0 && !may_have_child(shop, &spans[parent], has_child[parent]))
            parent--;
        has_child[parent] = true;
        int64_t delay_ns =
            (int64_t)(0.6 * uniform(&shop->random) * (double)spans[parent].duration_ns);
        spans[i] = spans[0];
        spans[i].parent_id = spans[parent].span_id;
        spans[i].start_ns = spans[parent].start_ns + delay_ns;
        spans[i].operation = pick_child(shop, &shop->operations[spans[parent].operation]);
        draw_span(shop, &spans[i]);
    }
    return count;
}
