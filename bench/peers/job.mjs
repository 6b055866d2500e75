// A job comes as JSON on standard input; figures go as JSON to standard output.
// Every work has one or more forms, lists of SQL statements; all are measured,
// and who compares takes the best.

export async function readJob() {
  const parts = [];
  for await (const part of process.stdin) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString());
}

// answerOf says what rows (arrays) of all statements amount to: the sum of all
// numbers, or the number of rows and the sums of the last columns.
export function answerOf(work, results) {
  if (work.counts) {
    let n = 0;
    for (const rows of results) for (const row of rows) for (const v of row) n += Number(v);
    return `${n} values possible`;
  }
  if (work.together) {
    const pairs = results.flat().map((row) => row.slice(0, 2).map((v) => Number(v ?? 0)));
    const [r, m] = pairs.reduce((a, b) => [a[0] + b[0], a[1] + b[1]], [0, 0]);
    return `1 rows, sums [${r} ${m.toFixed(0)}]`;
  }
  const sums = new Array(work.measures).fill(0);
  let rows = 0;
  for (const row of results.flat()) {
    const values = row.slice(-work.measures).map((v) => Number(v ?? 0));
    if (values.some((v) => v !== 0)) rows++;
    values.forEach((v, i) => { sums[i] += v; });
  }
  return `${rows} rows, sums [${sums.map((v) => v.toFixed(0)).join(' ')}]`;
}

// measure runs f and appends the milliseconds.
export async function measure(samples, f) {
  const start = process.hrtime.bigint();
  const out = await f();
  samples.push(Number(process.hrtime.bigint() - start) / 1e6);
  return out;
}

// figures measures all works; run takes a statement and returns rows.
export async function figures(job, run) {
  const out = [];
  for (const work of job.works) {
    for (const form of work.forms) {
      const f = { workload: work.name, form: form.name, samples: [], answer: '', error: '' };
      try {
        for (let i = 0; i < job.repetitions; i++) {
          const results = await measure(f.samples, async () => {
            const rows = [];
            for (const sql of form.sql) {
              const of = await run(sql);
              if (!(work.together && sql.startsWith('WITH'))) rows.push(of); // a page is fetched, not compared
            }
            return rows;
          });
          const long = f.samples[i] > 2000; // once is enough for what loses anyway
          f.answer = answerOf(work, results.filter((rows) => rows !== null));
          if (long) break;
        }
      } catch (err) {
        f.error = String(err.message ?? err).slice(0, 300);
      }
      out.push(f);
    }
  }
  return out;
}

// load measures f several times as a figure without answer.
export async function load(out, name, times, f) {
  const fig = { workload: name, form: '', samples: [], answer: '', error: '' };
  try {
    for (let i = 0; i < times; i++) fig.answer = await measure(fig.samples, f);
  } catch (err) {
    fig.error = String(err.message ?? err).slice(0, 300);
  }
  out.push(fig);
}
