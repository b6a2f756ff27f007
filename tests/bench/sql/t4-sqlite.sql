-- Task T4 in SQLite: the table lines has a record a line.
SELECT json_extract(record, '$.traceId'),
       max(CAST(json_extract(record, '$.endTimeUnixNano') AS INTEGER))
           - min(CAST(json_extract(record, '$.startTimeUnixNano') AS INTEGER)),
       count(*), sum(json_extract(record, '$.status') = 'error')
FROM lines
GROUP BY 1;
