// Polars, asked in its SQL; frames are in memory.
import { existsSync } from 'node:fs';

import { figures, load, readJob } from './job.mjs';
const job = await readJob();
process.env.POLARS_MAX_THREADS = String(job.threads); // read when Polars is loaded
const { default: pl } = await import('nodejs-polars');

const frames = {};
let context;
const collected = (x) => (x.collectSync ? x.collectSync() : x);

function run(sql) {
  const made = /^CREATE TEMP TABLE (\w+) AS ([\s\S]*)$/.exec(sql);
  if (made) {
    frames[made[1]] = collected(context.execute(made[2])).lazy();
    context = pl.SQLContext(frames);
    return null;
  }
  if (/^DROP TABLE/.test(sql)) return null;
  return collected(context.execute(sql)).rows();
}

function rowsOf(tables, read) {
  let n = 0;
  for (const t of tables) {
    const df = read(t);
    n += df.height;
    frames[t] = df.lazy();
  }
  return `${n} rows`;
}

const out = [];
const csv = (t) => pl.readCSV(`${job.folder}/${t}.csv`);
const parquet = (t) => pl.readParquet(`${job.folder}/${t}.parquet`);
if (job.resident) { // a process that does nothing else
  await load([], 'CSV all', 1, () => rowsOf(job.tables, csv));
  out.push({ workload: 'resident with model', form: '', samples: [process.memoryUsage.rss() / 2 ** 20], answer: '', error: '' });
} else {
  await load(out, 'CSV lineorder', 3, () => rowsOf(['lineorder'], csv));
  if (existsSync(`${job.folder}/lineorder.parquet`)) await load(out, 'Parquet lineorder, date', 3, () => rowsOf(['lineorder', 'date'], parquet));
  await load(out, 'CSV all', 3, () => rowsOf(job.tables, csv));
  context = pl.SQLContext(frames);
  out.push(...await figures(job, run));
}
process.stdout.write(JSON.stringify({ version: '0.26.1', figures: out }));
