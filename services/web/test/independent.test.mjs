// Clicks in random data, each answer compared with what the test computes by itself: it joins the rows in JavaScript and looks at each of them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openApp, startServer } from './server.mjs';

let seed = 42; // a failure repeats
const random = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return Math.floor((seed / 2147483648) * n); };

const customers = Array.from({ length: 40 }, (_, i) => ({ Customer: `C${i}`, City: `City ${random(9)}` }));
const products = Array.from({ length: 25 }, (_, i) => ({ Product: `P${i}`, Group: `G${random(5)}`, Price: 1 + random(50) }));
const orders = Array.from({ length: 1500 }, (_, i) => ({ Order: i + 1, Customer: `C${random(45)}`, Product: `P${random(25)}`, Qty: 1 + random(9), Month: 1 + random(12) }));

const inline = (name, rows) => `${name}:\nLOAD * INLINE [\n${Object.keys(rows[0]).join(',')}\n${rows.map((r) => Object.values(r).join(',')).join('\n')}\n];\n`;
const script = inline('Orders', orders) + inline('Customers', customers) + inline('Products', products);

// Every combination of rows: orders with their customer and product, and the customers and products that nobody ordered.
const universe = orders.map((o) => ({ ...o, ...customers.find((c) => c.Customer === o.Customer), ...products.find((p) => p.Product === o.Product) }));
for (const c of customers) if (!orders.some((o) => o.Customer === c.Customer)) universe.push({ ...c });
for (const p of products) if (!orders.some((o) => o.Product === p.Product)) universe.push({ ...p });

const FIELDS = ['City', 'Group', 'Month', 'Product', 'Customer'];
const fits = (row, selected, but) => FIELDS.every((f) => f === but || !selected[f] || selected[f].has(row[f]));
const possible = (field, selected, but) => new Set(universe.filter((r) => r[field] !== undefined && fits(r, selected, but)).map((r) => r[field]));

function statesOf(field, selected) {
  const now = possible(field, selected); const alone = possible(field, selected, field); const out = {};
  for (const v of new Set(universe.map((r) => r[field]).filter((x) => x !== undefined))) {
    if (selected[field]) out[v] = selected[field].has(v) ? (now.has(v) ? 'S' : 'XS') : (alone.has(v) ? 'A' : 'X');
    else out[v] = now.has(v) ? 'O' : 'X';
  }
  return out;
}

function turnover(selected) {
  const out = {};
  for (const r of universe) if (r.Order && fits(r, selected)) out[r.City ?? '-'] = (out[r.City ?? '-'] ?? 0) + r.Qty * r.Price;
  return out;
}

let server; let app;
before(async () => { server = await startServer(); app = await openApp(server, script); });
after(async () => { await app?.close(); await server.stop(); });

test('states and sums of sixty random clicks', async () => {
  const lists = {};
  for (const field of FIELDS) {
    lists[field] = await app.doc.createSessionObject({ qInfo: { qType: 'list' }, qListObjectDef: { qDef: { qFieldDefs: [field] }, qShowAlternatives: true, qInitialDataFetch: [{ qTop: 0, qLeft: 0, qWidth: 1, qHeight: 100 }] } });
  }
  const chart = await app.doc.createSessionObject({ qInfo: { qType: 'chart' }, qHyperCubeDef: { qDimensions: [{ qDef: { qFieldDefs: ['City'] } }], qMeasures: [{ qDef: { qDef: 'Sum(Qty*Price)' } }], qSuppressZero: true, qInitialDataFetch: [{ qTop: 0, qLeft: 0, qWidth: 2, qHeight: 100 }] } });
  const selected = {};
  for (let click = 0; click < 60; click += 1) {
    const field = FIELDS[random(FIELDS.length)]; const cells = (await lists[field].getLayout()).qListObject.qDataPages[0].qMatrix.map(([c]) => c);
    if (random(4) === 0) { await (await app.doc.getField(field)).clear(); delete selected[field]; } else {
      const fitting = cells.filter((c) => 'OSA'.includes(c.qState)); const pick = fitting.filter(() => random(3) === 0).concat(fitting[random(fitting.length)]);
      assert.equal(await lists[field].selectListObjectValues('/qListObjectDef', [...new Set(pick.map((c) => c.qElemNumber))], false), true);
      selected[field] = new Set(pick.map((c) => (field === 'Month' ? c.qNum : c.qText)));
    }
    for (const f of FIELDS) {
      const got = Object.fromEntries((await lists[f].getLayout()).qListObject.qDataPages[0].qMatrix.map(([c]) => [c.qText, c.qState]));
      assert.deepEqual(got, Object.fromEntries(Object.entries(statesOf(f, selected)).map(([v, s]) => [String(v), s])), `click ${click}: ${f}`);
    }
    const { qHyperCube } = await chart.getLayout();
    const got = Object.fromEntries(qHyperCube.qDataPages[0].qMatrix.map(([c, m]) => [c.qText, m.qNum])); const want = turnover(selected);
    assert.deepEqual(got, want, `click ${click}: turnover by city`);
    assert.equal(qHyperCube.qGrandTotalRow[0].qNum, Object.values(want).reduce((a, b) => a + b, 0), `click ${click}: total`);
  }
});
