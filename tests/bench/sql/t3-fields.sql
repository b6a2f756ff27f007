-- The same, but six fields only.
SET preserve_insertion_order = false;
COPY (
    SELECT traceId, spanId, name, startTimeUnixNano, durationNano, status
    FROM read_ndjson('@INPUT@', columns = {
        traceId: 'VARCHAR', spanId: 'VARCHAR', name: 'VARCHAR', startTimeUnixNano: 'VARCHAR',
        durationNano: 'BIGINT', status: 'VARCHAR', service: 'VARCHAR'})
    WHERE service = 'cart' AND durationNano > 100000000
) TO '@OUTPUT@' (FORMAT json)
