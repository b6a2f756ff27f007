# JSON Schemas of the record types, for users and for tests/core/test-schema.c, which holds them
# against the tables of src/libtracecore/model/record.c.
schemadir = $(pkgdatadir)/schema
dist_schema_DATA =
dist_schema_DATA += %D%/aggregate.schema.json
dist_schema_DATA += %D%/alert.schema.json
dist_schema_DATA += %D%/clock.schema.json
dist_schema_DATA += %D%/execution.schema.json
dist_schema_DATA += %D%/execution-trace.schema.json
dist_schema_DATA += %D%/finding.schema.json
dist_schema_DATA += %D%/health.schema.json
dist_schema_DATA += %D%/log.schema.json
dist_schema_DATA += %D%/metric.schema.json
dist_schema_DATA += %D%/notification.schema.json
dist_schema_DATA += %D%/span.schema.json
dist_schema_DATA += %D%/trace.schema.json
