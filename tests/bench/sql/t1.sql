-- By service and name: count, errors, mean, quantiles by nearest rank, max.
SET preserve_insertion_order = false;
COPY (
    SELECT service, name, count(*) AS count, count(*) FILTER (status = 'error') AS errors,
           avg(durationNano) AS mean, quantile_disc(durationNano, [0.5, 0.95, 0.99]) AS quantiles,
           max(durationNano) AS max
    FROM read_ndjson('@INPUT@', columns = {service: 'VARCHAR', name: 'VARCHAR',
                                           status: 'VARCHAR', durationNano: 'BIGINT'})
    GROUP BY ALL
) TO '@OUTPUT@' (FORMAT csv, DELIMITER '\t', HEADER true)
