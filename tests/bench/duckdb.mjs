// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the SQL of a file in DuckDB: node duckdb.mjs CACHE THREADS SQL-FILE [INPUT [OUTPUT]]
// @INPUT@ and @OUTPUT@ in it stand for the two paths. CACHE is where npm put @duckdb/node-api.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const [cache, threads, sqlFile, input = '', output = ''] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(`${cache}/package.json`)('@duckdb/node-api');

const quoted = (path) => path.replaceAll("'", "''");
const sql = readFileSync(sqlFile, 'utf8')
  .replaceAll('@INPUT@', () => quoted(input))
  .replaceAll('@OUTPUT@', () => quoted(output));

const instance = await DuckDBInstance.create(':memory:', { threads });
const connection = await instance.connect();
const start = performance.now();
await connection.run(sql);
console.log(`query_seconds ${((performance.now() - start) / 1000).toFixed(3)}`);
connection.closeSync();
instance.closeSync();
