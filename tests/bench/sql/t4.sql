-- Traces from spans in any order: duration, spans, errors.
SET preserve_insertion_order = false;
COPY (
    SELECT traceId, max(endTimeUnixNano) - min(startTimeUnixNano) AS duration,
           count(*) AS spans, count(*) FILTER (status = 'error') AS errors
    FROM read_ndjson('@INPUT@', columns = {traceId: 'VARCHAR', startTimeUnixNano: 'BIGINT',
                                           endTimeUnixNano: 'BIGINT', status: 'VARCHAR'})
    GROUP BY traceId
) TO '@OUTPUT@' (FORMAT csv, DELIMITER '\t', HEADER true)
