// DuckDB in its best form: strings as ENUM, all threads that the job allows.
import { existsSync, rmSync } from 'node:fs';
import { DuckDBInstance, version } from '@duckdb/node-api';
import { figures, load, readJob } from './job.mjs';

const job = await readJob();
const quoted = (file) => `'${`${job.folder}/${file}`.replaceAll("'", "''")}'`;
const options = { threads: String(job.threads) };
const instance = await DuckDBInstance.create(':memory:', options);
const db = await instance.connect();

async function run(sql, connection = db) {
  const reader = await connection.runAndReadAll(sql);
  return /^\s*(SELECT|WITH)/i.test(sql) ? reader.getRows() : null;
}

async function rowsOf(tables, source) {
  let n = 0;
  for (const t of tables) {
    await run(`CREATE OR REPLACE TABLE "${t}" AS SELECT * FROM ${source(t)}`);
    n += Number((await run(`SELECT count(*) FROM "${t}"`))[0][0]);
  }
  return `${n} rows`;
}

// enums makes every text column an ENUM, which is what codes are to us.
async function enums(table) {
  for (const [column] of await run(`SELECT column_name FROM duckdb_columns() WHERE table_name = '${table}' AND data_type = 'VARCHAR'`)) {
    await run(`CREATE TYPE "e_${column}" AS ENUM (SELECT DISTINCT "${column}" FROM "${table}" WHERE "${column}" IS NOT NULL)`);
    await run(`ALTER TABLE "${table}" ALTER "${column}" TYPE "e_${column}"`);
  }
}

// open measures the way from a file of its own to the first chart.
async function open(out) {
  const file = `${job.folder}/peer.duckdb`;
  rmSync(file, { force: true });
  await run(`ATTACH ${quoted('peer.duckdb')} AS kept`);
  for (const t of job.tables) await run(`CREATE TABLE kept."${t}" AS SELECT * FROM "${t}"`);
  await run('DETACH kept');
  await load(out, 'open app to first chart', 3, async () => {
    const again = await DuckDBInstance.create(file, options);
    const connection = await again.connect();
    const n = (await run(job.first, connection)).length;
    connection.closeSync();
    again.closeSync();
    return `${n} rows`;
  });
  rmSync(file, { force: true });
}

const out = [];
const csv = (t) => `read_csv(${quoted(`${t}.csv`)})`;
const parquet = (t) => `read_parquet(${quoted(`${t}.parquet`)})`;
if (job.resident) { // a process that does nothing else
  await load([], 'CSV all', 1, () => rowsOf(job.tables, csv));
  for (const t of job.tables) await enums(t);
  out.push({ workload: 'resident with model', form: '', samples: [process.memoryUsage.rss() / 2 ** 20], answer: '', error: '' });
} else {
  await load(out, 'CSV lineorder', 3, () => rowsOf(['lineorder'], csv));
  if (existsSync(`${job.folder}/lineorder.parquet`)) await load(out, 'Parquet lineorder, date', 3, () => rowsOf(['lineorder', 'date'], parquet));
  await load(out, 'CSV all', 3, () => rowsOf(job.tables, csv));
  for (const t of job.tables) await enums(t);
  out.push(...await figures(job, run));
  if (job.first) await open(out);
}
process.stdout.write(JSON.stringify({ version: version(), figures: out }));
