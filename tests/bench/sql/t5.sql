-- All spans to a Parquet file.
SET preserve_insertion_order = false;
COPY (
    SELECT *
    FROM read_ndjson('@INPUT@', columns = {
        type: 'VARCHAR', traceId: 'VARCHAR', spanId: 'VARCHAR', parentSpanId: 'VARCHAR',
        name: 'VARCHAR', kind: 'VARCHAR', startTimeUnixNano: 'BIGINT',
        endTimeUnixNano: 'BIGINT', durationNano: 'BIGINT', status: 'VARCHAR',
        statusMessage: 'VARCHAR', service: 'VARCHAR', attributes: 'MAP(VARCHAR, VARCHAR)',
        resource: 'MAP(VARCHAR, VARCHAR)'})
) TO '@OUTPUT@' (FORMAT parquet, COMPRESSION zstd)
