// ClickHouse in process: MergeTree tables in a folder for temporary files, all
// texts of LowCardinality, all threads that the job allows.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Session } from 'chdb';
import { figures, load, readJob } from './job.mjs';

const job = await readJob();
const folder = mkdtempSync(join(job.folder, 'clickhouse-'));
const session = new Session(folder);
session.query(`SET max_threads = ${job.threads}, schema_inference_make_columns_nullable = 0`);

// run returns the rows of a statement that has some. Tables that a form makes
// for itself stay in memory.
function run(sql) {
  const made = /^CREATE TEMP TABLE (\w+) AS ([\s\S]*)$/.exec(sql);
  if (made) sql = `CREATE TABLE ${made[1]} ENGINE = Memory AS ${made[2]}`;
  const text = session.query(sql, 'JSONCompact');
  return /^\s*(SELECT|WITH|DESCRIBE)/i.test(sql) ? JSON.parse(text).data : null;
}

function rowsOf(tables, source) {
  let n = 0;
  for (const t of tables) {
    const columns = run(`DESCRIBE ${source(t)}`).map(([name, type]) => (type === 'String' ? `toLowCardinality(${name}) AS ${name}` : name));
    run(`DROP TABLE IF EXISTS "${t}"`);
    run(`CREATE TABLE "${t}" ENGINE = MergeTree ORDER BY tuple() AS SELECT ${columns.join(', ')} FROM ${source(t)}`);
    n += Number(run(`SELECT count() FROM "${t}"`)[0][0]);
  }
  return `${n} rows`;
}

const out = [];
const file = (name, format) => `file('${join(job.folder, name).replaceAll("'", "\\'")}', ${format})`;
const csv = (t) => file(`${t}.csv`, 'CSVWithNames');
const parquet = (t) => file(`${t}.parquet`, 'Parquet');
try {
  if (job.resident) { // a process that does nothing else
    await load([], 'CSV all', 1, () => rowsOf(job.tables, csv));
    out.push({ workload: 'resident with model', form: '', samples: [process.memoryUsage.rss() / 2 ** 20], answer: '', error: '' });
  } else {
    await load(out, 'CSV lineorder', 3, () => rowsOf(['lineorder'], csv));
    if (existsSync(`${job.folder}/lineorder.parquet`)) await load(out, 'Parquet lineorder, date', 3, () => rowsOf(['lineorder', 'date'], parquet));
    await load(out, 'CSV all', 3, () => rowsOf(job.tables, csv));
    out.push(...await figures(job, run));
  }
  process.stdout.write(JSON.stringify({ version: run('SELECT version()')[0][0], figures: out }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
