# Spans for the tests of trace-span.

# span TRACE ID PARENT START END SERVICE NAME [KIND [MEMBERS [MORE]]]: a span in one line, in
# canonical order. TRACE and the ids are short hexadecimal numbers (PARENT - for none), times are
# nanoseconds after a fixed point; - stands for none. MEMBERS go before the service, MORE behind it.
span() {
    local line
    printf -v line '{"type":"span","traceId":"%032x","spanId":"%016x"' "0x$1" "0x$2"
    [[ $3 == - ]] || printf -v line '%s,"parentSpanId":"%016x"' "$line" "0x$3"
    line+=",\"name\":\"$7\""
    [[ ${8:--} == - ]] || line+=",\"kind\":\"$8\""
    [[ $4 == - ]] || line+=",\"startTimeUnixNano\":\"$((1700000000000000000 + $4))\""
    [[ $5 == - ]] || line+=",\"endTimeUnixNano\":\"$((1700000000000000000 + $5))\""
    [[ $4 == - || $5 == - || $5 -lt $4 ]] || line+=",\"durationNano\":$(($5 - $4))"
    line+=${9:+,$9}
    [[ $6 == - ]] || line+=",\"service\":\"$6\""
    printf '%s}\n' "$line${10:+,${10}}"
}

# A web shop: a request through three services, one call of which fails, and two calls at once.
shop() {
    span a1 1 - 0 100 front 'GET /cart' server
    span a1 2 1 5 60 front 'cart.Get' client
    span a1 3 2 10 50 cart 'cart.Get' server
    span a1 4 3 15 45 cart 'SELECT items' client
    span a1 5 1 20 80 front 'stock.Get' client '"status":"error","statusMessage":"no stock"'
    span a1 6 5 30 70 stock 'stock.Get' server '"status":"error"' '"attributes":{"http.response.status_code":503}'
}

# id NUMBER: a span's id as it is written.
id() {
    printf '%016x' "0x$1"
}
