-- Task T2 in SQLite: the table lines has a record a line.
WITH spans AS (
    SELECT CAST(json_extract(record, '$.startTimeUnixNano') AS INTEGER) / 10000000000
               * 10000000000 AS window_start,
           json_extract(record, '$.service') AS service, json_extract(record, '$.name') AS name,
           json_extract(record, '$.status') AS status,
           json_extract(record, '$.durationNano') AS duration
    FROM lines
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY window_start, service, name ORDER BY duration) AS position,
           count(*) OVER (PARTITION BY window_start, service, name) AS n
    FROM spans
)
SELECT window_start, service, name, count(*), sum(status = 'error'), avg(duration),
       max(CASE WHEN position = (n * 50 + 99) / 100 THEN duration END),
       max(CASE WHEN position = (n * 95 + 99) / 100 THEN duration END),
       max(CASE WHEN position = (n * 99 + 99) / 100 THEN duration END), max(duration)
FROM ranked
GROUP BY window_start, service, name;
