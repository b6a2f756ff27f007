-- The records of one service that took longer than 100 ms, whole.
SET preserve_insertion_order = false;
COPY (
    SELECT *
    FROM read_ndjson('@INPUT@', columns = {
        type: 'VARCHAR', traceId: 'VARCHAR', spanId: 'VARCHAR', parentSpanId: 'VARCHAR',
        name: 'VARCHAR', kind: 'VARCHAR', startTimeUnixNano: 'VARCHAR',
        endTimeUnixNano: 'VARCHAR', durationNano: 'BIGINT', status: 'VARCHAR',
        statusMessage: 'VARCHAR', service: 'VARCHAR', attributes: 'JSON', resource: 'JSON'})
    WHERE service = 'cart' AND durationNano > 100000000
) TO '@OUTPUT@' (FORMAT json)
