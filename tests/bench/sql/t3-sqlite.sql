-- Task T3 in SQLite: the table lines has a record a line.
SELECT record
FROM lines
WHERE json_extract(record, '$.service') = 'cart'
      AND json_extract(record, '$.durationNano') > 100000000;
