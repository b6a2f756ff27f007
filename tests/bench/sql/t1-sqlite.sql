-- Task T1 in SQLite: the table lines has a record a line.
WITH spans AS (
    SELECT json_extract(record, '$.service') AS service, json_extract(record, '$.name') AS name,
           json_extract(record, '$.status') AS status,
           json_extract(record, '$.durationNano') AS duration
    FROM lines
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY service, name ORDER BY duration) AS position,
           count(*) OVER (PARTITION BY service, name) AS n
    FROM spans
)
SELECT service, name, count(*), sum(status = 'error'), avg(duration),
       max(CASE WHEN position = (n * 50 + 99) / 100 THEN duration END),
       max(CASE WHEN position = (n * 95 + 99) / 100 THEN duration END),
       max(CASE WHEN position = (n * 99 + 99) / 100 THEN duration END), max(duration)
FROM ranked
GROUP BY service, name;
