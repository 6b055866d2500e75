// A real app of the original product, from a package of the registry: it is
// imported and dropped into the folder of apps, answers clicks without a
// reload, is saved as an app of ours, and shows in the page.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { openSession, startServer } from './server.mjs';

const PACKAGE = '@nebula.js/cli-serve@5.17.0';
const SHA256 = 'ee45b8d022ea26f8abcf0b0e0976e389b61ac68cec681a3a2c883fe469a645ed';
const browserPath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => p && existsSync(p));

/** The file out of the package, which is fetched once. Installing it would bring hundreds of others. */
function realApp() {
  const cache = path.join(import.meta.dirname, '../node_modules/.cache/cli-serve');
  const file = path.join(cache, 'ctrl00.qvf');
  if (!existsSync(file)) {
    mkdirSync(cache, { recursive: true });
    const tgz = execFileSync('npm', ['pack', PACKAGE, '--silent'], { cwd: cache, encoding: 'utf8' }).trim();
    writeFileSync(file, execFileSync('tar', ['-xzOf', tgz, 'package/data/apps/ctrl00.qvf'], { cwd: cache, maxBuffer: 1 << 26 }));
  }
  assert.equal(createHash('sha256').update(readFileSync(file)).digest('hex'), SHA256, 'the file of the package is another one');
  return file;
}

let server; let file;
before(async () => { server = await startServer(); file = realApp(); });
after(() => server?.stop());

/** What an open app answers: values, states after a click, a sum by dimension. */
async function answers(doc) {
  const list = await doc.createSessionObject({ qInfo: { qType: 'list' }, qListObjectDef: { qShowAlternatives: true, qDef: { qFieldDefs: ['Dim1'] }, qInitialDataFetch: [{ qWidth: 1, qHeight: 10 }] } });
  const cube = await doc.createSessionObject({
    qInfo: { qType: 'cube' }, qHyperCubeDef: {
      qDimensions: [{ qDef: { qFieldDefs: ['Dim1'], qSortCriterias: [{ qSortByAscii: 1 }] }, qNullSuppression: true }],
      qMeasures: [{ qDef: { qDef: 'Sum(Expression1)' } }, { qDef: { qDef: 'Count(DISTINCT Alpha)' } }], qInitialDataFetch: [{ qWidth: 3, qHeight: 10 }],
    },
  });
  const rows = async () => (await cube.getLayout()).qHyperCube.qDataPages[0].qMatrix.map((r) => [r[0].qText, Math.round(r[1].qNum * 1000) / 1000, r[2].qNum]);
  const all = await rows();
  await (await doc.getField('Dim1')).select('B');
  const states = (await list.getLayout()).qListObject.qDataPages[0].qMatrix.map((r) => [r[0].qText, r[0].qState]).sort();
  const some = await rows();
  await doc.clearAll();
  return { all, states, some };
}

/** The same by hand, from what `cognate app cat` prints. */
function byHand(path_) {
  const rows = (table) => server.cognate('app', 'cat', path_, table, '--format', 'jsonl', '--dual').trim().split('\n').map((l) => JSON.parse(l));
  const info = JSON.parse(server.cognate('app', 'info', path_, '--json'));
  const fields = Object.fromEntries(info.tables.map((t) => [t.name, t.fields.map((f) => f.name)]));
  const at = (f) => fields.Transactions.indexOf(f);
  const characters = new Map(rows('Characters').map((r) => [r[fields.Characters.indexOf('Num')].n, r[fields.Characters.indexOf('Alpha')].t]));
  const sums = new Map();
  for (const r of rows('Transactions')) {
    const key = r[at('Dim1')].t; const s = sums.get(key) ?? { sum: 0, alpha: new Set() };
    s.sum += r[at('Expression1')]?.n ?? 0;
    const a = characters.get(r[at('Num')]?.n); if (a) s.alpha.add(a);
    sums.set(key, s);
  }
  return { info, all: [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, s]) => [k, Math.round(s.sum * 1000) / 1000, s.alpha.size]) };
}

test('a real app is imported and answers clicks without a reload', async () => {
  const said = server.cognate('app', 'import', file, '--apps', server.apps);
  assert.match(said, /imported as "ctrl00"/);
  copyFileSync(file, path.join(server.apps, 'dropped.qvf'));
  const { info, all } = byHand(file);
  assert.match(info.script, /^\/\/\/\$tab Main\r\n/);
  assert.deepEqual(info.tables.map((t) => [t.name, t.rows]), [['Characters', 26], ['ASCII', 191], ['Transactions', 40]]);
  for (const name of ['ctrl00', 'dropped']) {
    const { global, close } = await openSession(server);
    const doc = await global.openDoc(name);
    const got = await answers(doc);
    assert.deepEqual(got.all, all, name);
    assert.deepEqual(got.states, [['A', 'A'], ['B', 'S'], ['C', 'A']]);
    assert.deepEqual(got.some, all.filter(([k]) => k === 'B'));
    assert.equal(await doc.getScript(), info.script);
    const sheets = await (await doc.createSessionObject({ qInfo: { qType: 'SheetList' }, qAppObjectListDef: { qType: 'sheet', qData: { title: '/qMetaDef/title' } } })).getLayout();
    assert.deepEqual(sheets.qAppObjectList.qItems.map((i) => i.qInfo.qId), info.objects.filter((o) => o.type === 'sheet').map((o) => o.id));
    // Saved as an app of ours it is still the same.
    await doc.doSave();
    await close();
  }
  const again = byHand(path.join(server.apps, 'dropped.qvf'));
  assert.deepEqual(again.all, all);
  assert.equal(again.info.own, true);
  assert.equal(again.info.script, info.script);
  assert.match(server.cognate('app', 'verify', path.join(server.apps, 'dropped.qvf')), /: ok/);
});

test('the page shows it', { skip: browserPath ? false : 'there is no Chromium: set CHROMIUM to its path' }, async () => {
  const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 } }); const errors = [];
    page.on('pageerror', (e) => errors.push(e.message));
    await page.goto(server.http);
    await page.waitForSelector('body[data-ready=true]');
    await page.selectOption('select', { label: 'ctrl00' });
    const value = page.locator('.listbox[data-field="Dim1"] [role=option]').filter({ hasText: 'B' });
    await value.click();
    await page.waitForSelector('.listbox[data-field="Dim1"] [role=option][aria-selected=true]');
    assert.equal(await page.locator('.bar').count() > 0, true);
    assert.deepEqual(errors, []);
  } finally { await browser.close(); }
});
