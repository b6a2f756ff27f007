-- Task T1 on OTLP/JSON lines. Smaller objects than by default are assumed: it is faster so.
SET preserve_insertion_order = false;
COPY (
    WITH resources AS (
        SELECT unnest(resourceSpans) AS entry
        FROM read_ndjson('@INPUT@', maximum_object_size = 1048576, columns = {resourceSpans:
            'STRUCT(resource STRUCT(attributes STRUCT("key" VARCHAR,
                                                      "value" STRUCT(stringValue VARCHAR))[]),
                    scopeSpans STRUCT(spans STRUCT("name" VARCHAR, startTimeUnixNano BIGINT,
                                                   endTimeUnixNano BIGINT,
                                                   status STRUCT(code INTEGER))[])[])[]'})
    ), scopes AS (
        SELECT list_filter(entry.resource.attributes,
                           lambda a: a."key" = 'service.name')[1]."value".stringValue AS service,
               unnest(entry.scopeSpans) AS scope
        FROM resources
    ), spans AS (
        SELECT service, unnest(scope.spans) AS span
        FROM scopes
    ), measured AS (
        SELECT service, span."name" AS name, span.status.code AS code,
               span.endTimeUnixNano - span.startTimeUnixNano AS duration
        FROM spans
    )
    SELECT service, name, count(*) AS count, count(*) FILTER (code = 2) AS errors,
           avg(duration) AS mean, quantile_disc(duration, [0.5, 0.95, 0.99]) AS quantiles,
           max(duration) AS max
    FROM measured
    GROUP BY ALL
) TO '@OUTPUT@' (FORMAT csv, DELIMITER '\t', HEADER true)
