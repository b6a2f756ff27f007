#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Write half an hour of a small web shop as OTLP/JSON, one export a line: spans, metrics and logs of
# six services, as a collector's file exporter would have written them. Nothing runs; the figures
# come from a seeded generator, so the same arguments give the same capture.
#
# Minutes 22 to 27 are a bad time: version 1.9.0 of catalog holds a lock in its database, so its
# queries take about twelve times as long, and some checkouts give up.
set -eu

usage="usage: sample-capture.sh [--seed=N] [--traces=N] [--start=UNIX-SECONDS]"
seed=1
traces=200
start=1767607200 # 2026-01-05T10:00:00Z
for option; do
    value=${option#*=}
    case $option in
    --help)
        echo "$usage"
        exit 0
        ;;
    --seed=*) seed=$value ;;
    --traces=*) traces=$value ;;
    --start=*) start=$value ;;
    *)
        echo "$usage" >&2
        exit 2
        ;;
    esac
    case $value in
    '' | *[!0-9]*)
        echo "sample-capture.sh: $option: not a number" >&2
        exit 2
        ;;
    esac
done

exec awk -v seed="$seed" -v traces="$traces" -v epoch="$start" '
# --- chance: the minimal standard generator of Park and Miller, the same in every awk ---
function chance() {
    state = (state * 16807) % 2147483647
    return state / 2147483647
}
function normal() { return sqrt(-2 * log(chance())) * cos(6.283185307179586 * chance()) }
# Microseconds around a median in milliseconds.
function latency(median_ms, sigma) { return int(1000 * median_ms * exp(sigma * normal())) + 20 }
function pick(n) { return int(chance() * n) }
function hex(digits,    s) {
    s = ""
    while (length(s) < digits)
        s = s sprintf("%04x", pick(65536))
    return s
}

# --- OTLP: times are microseconds since the capture began ---
function nanos(us) { return sprintf("\"%.0f%06d000\"", epoch + int(us / 1000000), us % 1000000) }
function text(key, value) { return "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}" }
function whole(key, value) { return "{\"key\":\"" key "\",\"value\":{\"intValue\":\"" value "\"}}" }
function append(list, item) { return list == "" ? item : list "," item }
function slow(us) { return us >= 1320000000 && us < 1620000000 }
function resource(service, us,    version) {
    version = service == "catalog" && slow(us) ? "1.9.0" : release[service]
    return "{\"attributes\":[" text("service.name", service) "," text("service.version", version) \
        "," text("deployment.environment.name", "demo") "," text("host.name", host[service]) "]}"
}
# Ends a span: it goes to what its service exports next.
function span(service, id, parent, name, kind, from, to, attributes, failure, events,    s) {
    s = "{\"traceId\":\"" trace "\",\"spanId\":\"" id "\""
    if (parent != "")
        s = s ",\"parentSpanId\":\"" parent "\""
    s = s ",\"name\":\"" name "\",\"kind\":" kind ",\"startTimeUnixNano\":" nanos(from) \
        ",\"endTimeUnixNano\":" nanos(to) ",\"attributes\":[" attributes "]"
    if (events != "")
        s = s ",\"events\":[" events "]"
    s = s ",\"status\":{" (failure == "" ? "" : "\"code\":2,\"message\":\"" failure "\"") "}}"
    spans[service] = append(spans[service], s)
    if (to > latest)
        latest = to
}
function event(name, us, attributes) {
    return "{\"timeUnixNano\":" nanos(us) ",\"name\":\"" name "\",\"attributes\":[" attributes "]}"
}
function say(service, number, severity, us, body, id, attributes) {
    logs[service] = append(logs[service], "{\"timeUnixNano\":" nanos(us) ",\"severityNumber\":" number \
        ",\"severityText\":\"" severity "\",\"body\":{\"stringValue\":\"" body "\"},\"attributes\":[" \
        attributes "],\"traceId\":\"" trace "\",\"spanId\":\"" id "\"}")
}

# --- the shop: each function gives the time at which it is done ---
function query(service, parent, from, operation, database, statement, median_ms,    id, to, events) {
    id = hex(16)
    to = from + latency(median_ms, 0.35)
    events = ""
    if (service == "catalog" && slow(from)) {
        to = from + 12 * (to - from)
        events = event("lock.wait", from + 300, text("db.relation", "products"))
    }
    span(service, id, parent, operation, 3, from, to, text("db.system.name", database) "," \
        text("db.query.text", statement), "", events)
    return to
}
function cart(operation, parent, from,    id, to) {
    id = hex(16)
    to = query("cart", id, from + latency(0.4, 0.3), operation == "AddItem" ? "HSET" : "HGETALL", "redis",
        operation == "AddItem" ? "HSET cart:? ? ?" : "HGETALL cart:?", 0.8) + latency(0.5, 0.3)
    span("cart", id, parent, "CartService/" operation, 2, from, to, text("rpc.system", "grpc") "," \
        text("rpc.service", "CartService") "," text("rpc.method", operation), "", "")
    return to
}
function catalog(operation, parent, from,    id, to) {
    id = hex(16)
    if (operation == "GetProduct")
        to = query("catalog", id, from + latency(0.6, 0.3), "SELECT products", "postgresql",
            "SELECT * FROM products WHERE id = ?", 4)
    else
        to = query("catalog", id, from + latency(0.6, 0.3), "SELECT products", "postgresql",
            "SELECT * FROM products ORDER BY sold DESC LIMIT 20", 9)
    to += latency(0.8, 0.3)
    span("catalog", id, parent, "CatalogService/" operation, 2, from, to, text("rpc.system", "grpc") \
        "," text("rpc.service", "CatalogService") "," text("rpc.method", operation), "", "")
    return to
}
# failure is set if the card is refused.
function payment(parent, from,    id, to, attributes) {
    id = hex(16)
    to = from + latency(38, 0.4)
    failure = chance() < 0.05 ? "card refused" : ""
    attributes = text("rpc.system", "grpc") "," text("rpc.service", "PaymentService") "," \
        text("rpc.method", "Charge") "," text("payment.provider", chance() < 0.7 ? "acquirer-a" : "acquirer-b")
    span("payment", id, parent, "PaymentService/Charge", 2, from, to, attributes, failure,
        failure == "" ? "" : event("exception", to - 200, text("exception.type", "CardRefused") "," \
        text("exception.message", "card refused")))
    if (failure != "")
        say("payment", 17, "ERROR", to - 150, "charge failed: card refused", id,
            text("exception.type", "CardRefused"))
    return to
}
function shipping(parent, from,    id, to) {
    id = hex(16)
    to = from + latency(7, 0.3)
    span("shipping", id, parent, "ShippingService/Ship", 2, from, to, text("rpc.system", "grpc") "," \
        text("rpc.service", "ShippingService") "," text("rpc.method", "Ship"), "", "")
    return to
}
# A call from one service to another: the client span with the time on the wire around the server one.
function call(service, parent, from, peer, operation,    id, to, back) {
    id = hex(16)
    failure = ""
    to = from + latency(0.3, 0.2)
    if (peer == "CartService")
        to = cart(operation, id, to)
    else if (peer == "CatalogService")
        to = catalog(operation, id, to)
    else if (peer == "PaymentService")
        to = payment(id, to)
    else
        to = shipping(id, to)
    to += latency(0.3, 0.2)
    span(service, id, parent, peer "/" operation, 3, from, to, text("rpc.system", "grpc") "," \
        text("rpc.service", peer) "," text("rpc.method", operation), failure, "")
    return to
}
# The order: every product is asked for by itself, which is what makes a slow catalog hurt.
function checkout(parent, from,    id, to, items, i, why) {
    id = hex(16)
    items = 2 + pick(5)
    why = ""
    to = call("checkout", id, from + latency(0.5, 0.3), "CartService", "GetCart")
    for (i = 0; i < items; i++)
        to = call("checkout", id, to + latency(0.2, 0.2), "CatalogService", "GetProduct")
    if (to - from > 200000) {
        why = "deadline exceeded"
        say("checkout", 13, "WARN", to, "order given up after " int((to - from) / 1000) " ms", id, "")
    } else {
        to = call("checkout", id, to + latency(0.5, 0.3), "PaymentService", "Charge")
        why = failure
        if (why == "")
            to = call("checkout", id, to + latency(0.5, 0.3), "ShippingService", "Ship")
    }
    to += latency(0.7, 0.3)
    span("checkout", id, parent, "CheckoutService/PlaceOrder", 2, from, to, text("rpc.system", "grpc") "," \
        text("rpc.service", "CheckoutService") "," text("rpc.method", "PlaceOrder") "," \
        whole("order.items", items), why, "")
    if (why == "")
        say("checkout", 9, "INFO", to, "order placed", id, whole("order.items", items))
    failure = why
    return to
}
function place_order(parent, from,    id, to, why) {
    id = hex(16)
    to = checkout(id, from + latency(0.3, 0.2)) + latency(0.3, 0.2)
    why = failure
    span("frontend", id, parent, "CheckoutService/PlaceOrder", 3, from, to, text("rpc.system", "grpc") "," \
        text("rpc.service", "CheckoutService") "," text("rpc.method", "PlaceOrder"), why, "")
    failure = why
    return to
}
# One request of a visitor: a trace.
function visit(from,    id, to, kind, method, route, status) {
    trace = hex(32)
    id = hex(16)
    failure = ""
    latest = 0
    method = "GET"
    kind = chance()
    to = from + latency(1.2, 0.3)
    if (kind < 0.35) {
        route = "/"
        to = call("frontend", id, to, "CatalogService", "ListProducts")
    } else if (kind < 0.7) {
        route = "/product/{id}"
        to = call("frontend", id, to, "CatalogService", "GetProduct")
        to = call("frontend", id, to, "CartService", "GetCart")
    } else if (kind < 0.85) {
        method = "POST"
        route = "/cart"
        to = call("frontend", id, to, "CartService", "AddItem")
    } else {
        method = "POST"
        route = "/checkout"
        to = place_order(id, to)
    }
    to += latency(2.5, 0.4)
    status = failure == "" ? 200 : failure == "card refused" ? 402 : 504
    span("frontend", id, "", method " " route, 2, from, to, text("http.request.method", method) "," \
        text("http.route", route) "," whole("http.response.status_code", status) "," \
        text("url.scheme", "https"), status == 504 ? failure : "", "")
    requests++
    observe((to - from) / 1000000)
    return latest
}

# --- metrics, once a minute ---
function observe(seconds,    i) {
    for (i = 1; i <= bounds && seconds > bound[i]; i++)
        ;
    bucket[i]++
    total += seconds
    observed++
}
function histogram(us,    i, counts, limits) {
    counts = limits = ""
    for (i = 1; i <= bounds + 1; i++)
        counts = append(counts, "\"" (bucket[i] + 0) "\"")
    for (i = 1; i <= bounds; i++)
        limits = append(limits, bound[i])
    return "{\"name\":\"http.server.request.duration\",\"unit\":\"s\",\"histogram\":{\"aggregationTemporality\":2," \
        "\"dataPoints\":[{\"startTimeUnixNano\":" nanos(0) ",\"timeUnixNano\":" nanos(us) ",\"count\":\"" \
        observed "\",\"sum\":" sprintf("%.6f", total) ",\"bucketCounts\":[" counts "],\"explicitBounds\":[" \
        limits "]}]}}"
}
function gauge(name, unit, us, member, value) {
    return "{\"name\":\"" name "\",\"unit\":\"" unit "\",\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":" \
        nanos(us) ",\"" member "\":" value "}]}}"
}
function metrics(us,    i, service, list, line) {
    line = ""
    for (i = 1; i <= services; i++) {
        service = shop[i]
        memory[service] += int(chance() * 400000) - 150000
        busy = 0.05 + 0.04 * chance() + (service == "catalog" && slow(us) ? 0.45 : 0)
        list = gauge("process.memory.usage", "By", us, "asInt", "\"" memory[service] "\"") "," \
            gauge("process.cpu.utilization", "1", us, "asDouble", sprintf("%.4f", busy))
        if (service == "frontend")
            list = list ",{\"name\":\"http.server.requests\",\"unit\":\"{request}\",\"sum\":{\"isMonotonic\":true," \
                "\"aggregationTemporality\":2,\"dataPoints\":[{\"startTimeUnixNano\":" nanos(0) \
                ",\"timeUnixNano\":" nanos(us) ",\"asInt\":\"" requests "\"}]}}," histogram(us)
        if (service == "catalog")
            list = list "," gauge("db.client.connection.usage", "{connection}", us, "asInt",
                "\"" (2 + pick(3) + (slow(us) ? 14 : 0)) "\"")
        line = append(line, "{\"resource\":" resource(service, us) \
            ",\"scopeMetrics\":[{\"scope\":{\"name\":\"shop.metrics\"},\"metrics\":[" list "]}]}")
    }
    print "{\"resourceMetrics\":[" line "]}"
}
# Prints what the services have gathered, one line a signal.
function export_all(us,    i, service, line) {
    line = ""
    for (i = 1; i <= services; i++)
        if (spans[shop[i]] != "")
            line = append(line, "{\"resource\":" resource(shop[i], us) ",\"scopeSpans\":[{\"scope\":{\"name\":" \
                "\"shop.tracing\",\"version\":\"2.1.0\"},\"spans\":[" spans[shop[i]] "]}]}")
    if (line != "")
        print "{\"resourceSpans\":[" line "]}"
    line = ""
    for (i = 1; i <= services; i++)
        if (logs[shop[i]] != "")
            line = append(line, "{\"resource\":" resource(shop[i], us) ",\"scopeLogs\":[{\"scope\":{\"name\":" \
                "\"shop.logging\"},\"logRecords\":[" logs[shop[i]] "]}]}")
    if (line != "")
        print "{\"resourceLogs\":[" line "]}"
    for (i = 1; i <= services; i++)
        spans[shop[i]] = logs[shop[i]] = ""
}

BEGIN {
    state = (seed * 7919 + 104729) % 2147483646 + 1
    for (i = 0; i < 10; i++)
        chance()
    services = split("frontend cart catalog checkout payment shipping", shop, " ")
    split("3.4.1 1.2.0 1.8.3 2.0.7 5.1.0 0.9.2", version, " ")
    for (i = 1; i <= services; i++) {
        release[shop[i]] = version[i]
        host[shop[i]] = "shop-" (i % 3 + 1)
        memory[shop[i]] = 90000000 + 7000000 * i
    }
    bounds = split("0.005 0.01 0.025 0.05 0.1 0.25 0.5 1", bound, " ")
    minute = 0
    gap = traces > 0 ? 1800000000 / traces : 0
    for (visits = 0; visits < traces; visits++) {
        at = int((visits + chance()) * gap)
        while (int(at / 60000000) > minute) {
            minute++
            export_all(minute * 60000000 - 1)
            metrics(minute * 60000000 - 1)
        }
        visit(at)
    }
    for (minute++; minute <= 30; minute++) {
        export_all(minute * 60000000 - 1)
        metrics(minute * 60000000 - 1)
    }
}'
