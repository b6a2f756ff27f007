-- Task T4 on a Parquet file.
SET preserve_insertion_order = false;
COPY (
    SELECT traceId, max(endTimeUnixNano) - min(startTimeUnixNano) AS duration,
           count(*) AS spans, count(*) FILTER (status = 'error') AS errors
    FROM read_parquet('@INPUT@')
    GROUP BY traceId
) TO '@OUTPUT@' (FORMAT csv, DELIMITER '\t', HEADER true)
