/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The scopes. Names are those of OpenTelemetry's semantic conventions: of generative AI for agents,
 * of hosts, containers and Kubernetes for resources.
 */
#include "agg/scope.h"

#include "model/record.h"

#include <string.h>

enum {
    SPANS = 1u << TCORE_RECORD_SPAN,
    METRICS = 1u << TCORE_RECORD_METRIC,
    ALL = SPANS | METRICS | 1u << TCORE_RECORD_LOG
};

static const char *by_module[] = {"service", "scope.name"};
static const char *by_service[] = {"service"};
static const char *by_operation[] = {"service", "name"};
static const char *by_agent[] = {
    "service",         "name", "gen_ai.operation.name", "gen_ai.agent.name", "gen_ai.request.model",
    "gen_ai.tool.name"};
/* whose it is, which part of it, and which of its values one metric holds */
static const char *by_resource[] = {"service",
                                    "host.name",
                                    "k8s.namespace.name",
                                    "k8s.pod.name",
                                    "container.name",
                                    "system.device",
                                    "system.filesystem.mountpoint",
                                    "network.interface.name",
                                    "cpu.mode",
                                    "system.memory.state",
                                    "system.filesystem.state",
                                    "process.state",
                                    "disk.io.direction",
                                    "network.io.direction",
                                    "system.paging.direction",
                                    "system.paging.fault.type"};

/* What the calls of an agent took: time, tokens, and money where somebody has put it down. */
static const char *stats_of_agents[] = {"count",
                                        "errors",
                                        "errorRate",
                                        "mean",
                                        "p50",
                                        "p95",
                                        "max",
                                        "sum(gen_ai.usage.input_tokens)",
                                        "sum(gen_ai.usage.output_tokens)",
                                        "sum(gen_ai.usage.cost)"};
static const char *stats_of_resources[] = {"count", "mean", "min", "p95", "max"};

#define LIST(names)                                                                                \
    {                                                                                              \
        names, sizeof names / sizeof *names                                                        \
    }

static const struct agg_scope scopes[] = {
    {.name = "system", .types = ALL},
    {.name = "module", .by = LIST(by_module), .types = ALL},
    {.name = "service", .by = LIST(by_service), .types = ALL},
    {.name = "operation", .by = LIST(by_operation), .types = SPANS},
    {.name = "transaction", .by = LIST(by_operation), .types = SPANS, .roots = true},
    {.name = "agent",
     .by = LIST(by_agent),
     .stats = LIST(stats_of_agents),
     .types = SPANS,
     .own = 2},
    {.name = "resource",
     .by = LIST(by_resource),
     .stats = LIST(stats_of_resources),
     .types = METRICS},
};

const struct agg_scope *agg_scope_find(const char *name)
{
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
        if (strcmp(scopes[i].name, name) == 0)
            return &scopes[i];
    return NULL;
}
