// The unmodified client enigma.js against the running program, with and without delta.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { changed, openApp, openSession, startServer } from './server.mjs';

const SALES = `Sales: LOAD * INLINE [
Region, Product, Amount
North, a, 1
North, b, 5
South, a, 3
West, c, 7];
Products: LOAD * INLINE [
Product, Group
a, Food
b, Food
c, Tools];`;

const list = (field) => ({ qInfo: { qType: 'list' }, qListObjectDef: { qDef: { qFieldDefs: [field], qSortCriterias: [{ qSortByLoadOrder: 1 }] }, qShowAlternatives: true, qInitialDataFetch: [{ qTop: 0, qLeft: 0, qWidth: 1, qHeight: 20 }] } });
const cube = (dims, measures, more = {}) => ({
  qInfo: { qType: 'cube' },
  qHyperCubeDef: {
    qDimensions: dims.map((d) => ({ qDef: { qFieldDefs: [d], qSortCriterias: [{ qSortByLoadOrder: 1 }] } })), qMeasures: measures.map((m) => ({ qDef: { qDef: m } })),
    qInitialDataFetch: [{ qTop: 0, qLeft: 0, qWidth: dims.length + measures.length, qHeight: 50 }], ...more,
  },
});
const states = (layout) => layout.qListObject.qDataPages[0].qMatrix.map(([c]) => `${c.qText}:${c.qState}`).join(' ');
const rows = (layout) => layout.qHyperCube.qDataPages[0].qMatrix.map((r) => r.map((c) => c.qText).join(' ')).join(' / ');

let server;
before(async () => { server = await startServer(); });
after(async () => { assert.equal(await server.stop(), 0, 'a graceful end'); });

for (const delta of [true, false]) {
  describe(`delta ${delta}`, () => {
    let app;
    before(async () => { app = await openApp(server, SALES, { delta }); });
    after(() => app.close());

    test('a click turns values green, white and gray everywhere', async () => {
      const [region, group] = await Promise.all([app.doc.createSessionObject(list('Region')), app.doc.createSessionObject(list('Group'))]);
      assert.equal(states(await region.getLayout()), 'North:O South:O West:O');
      assert.equal(states(await group.getLayout()), 'Food:O Tools:O');
      const told = changed(group);
      assert.equal(await region.selectListObjectValues('/qListObjectDef', [0], true), true);
      await told;
      assert.equal(states(await region.getLayout()), 'North:S South:A West:A');
      assert.equal(states(await group.getLayout()), 'Food:O Tools:X');
      await app.doc.back();
      assert.equal(states(await group.getLayout()), 'Food:O Tools:O');
      await app.doc.forward();
      assert.equal(states(await group.getLayout()), 'Food:O Tools:X');
      await app.doc.clearAll();
    });

    test('cubes in all three modes', async () => {
      const straight = await app.doc.createSessionObject(cube(['Region'], ['Sum(Amount)']));
      const layout = await straight.getLayout();
      assert.equal(rows(layout), 'North 6 / South 3 / West 7');
      assert.equal(layout.qHyperCube.qGrandTotalRow[0].qNum, 16);
      assert.ok(layout.qHyperCube.qDimensionInfo[0].qCardinalities, 'sn-bar-chart needs it');
      const pivot = await app.doc.createSessionObject(cube(['Group', 'Product'], ['Sum(Amount)'], { qMode: 'EQ_DATA_MODE_PIVOT', qAlwaysFullyExpanded: true, qNoOfLeftDims: 1 }));
      const [page] = await pivot.getHyperCubePivotData('/qHyperCubeDef', [{ qTop: 0, qLeft: 0, qWidth: 50, qHeight: 50 }]);
      assert.deepEqual(page.qLeft.map((n) => n.qText), ['Food', 'Tools']);
      const stacked = await app.doc.createSessionObject(cube(['Region', 'Product'], ['Sum(Amount)'], { qMode: 'K', qAlwaysFullyExpanded: true }));
      const [stack] = await stacked.getHyperCubeStackData('/qHyperCubeDef', [{ qTop: 0, qLeft: 0, qWidth: 50, qHeight: 50 }]);
      assert.equal(stack.qData[0].qType, 'R');
      assert.equal(await pivot.selectPivotCells('/qHyperCubeDef', [{ qType: 'L', qRow: 1, qCol: 0 }]), true);
      assert.equal(await app.doc.evaluate('Sum(Amount)'), '7');
      await app.doc.clearAll();
    });

    test('an expression in properties, a variable and a table', async () => {
      const text = await app.doc.createSessionObject({ qInfo: { qType: 'x' }, deep: [{ sum: { qStringExpression: "='sum = ' & Sum(Amount)" } }] });
      assert.equal((await text.getLayout()).deep[0].sum, 'sum = 16');
      const data = await app.doc.getTableData(0, 2, false, 'Sales');
      assert.deepEqual(data[1].qValue.map((v) => v.qText), ['North', 'b', '5']);
      const v = await app.doc.createVariableEx({ qName: `v${delta}`, qDefinition: '=Sum(Amount)*2', qInfo: { qType: 'variable' } });
      assert.equal((await v.getLayout()).qNum, 32);
      await app.doc.destroyVariableById(v.id);
    });

    test('what is missing is no error of the server', async () => {
      await assert.rejects(app.doc.getObject('nothing'), (e) => e.code === -2);
      await assert.rejects(app.doc.getField('nothing'), (e) => e.code === -2);
    });

    test('a search in a list box', async () => {
      const region = await app.doc.createSessionObject(list('Region'));
      assert.equal(await region.searchListObjectFor('/qListObjectDef', 'so'), true);
      const found = await region.getLayout();
      assert.equal(found.qListObject.qSize.qcy, 1);
      assert.deepEqual(found.qListObject.qDataPages[0].qMatrix[0][0].qHighlightRanges.qRanges, [{ qCharPos: 0, qCharCount: 2 }]);
      await region.acceptListObjectSearch('/qListObjectDef', false);
      assert.equal(states(await region.getLayout()), 'North:A South:S West:A');
      await app.doc.clearAll();
    });

    test('modal selections are one step and can be taken back', async () => {
      const region = await app.doc.createSessionObject(list('Region'));
      await region.beginSelections(['/qListObjectDef']);
      await region.selectListObjectValues('/qListObjectDef', [0], true);
      await region.selectListObjectValues('/qListObjectDef', [1], true);
      assert.equal((await region.getLayout()).qSelectionInfo.qInSelections, true);
      await region.endSelections(false);
      assert.equal(states(await region.getLayout()), 'North:O South:O West:O');
    });
  });
}

test('an app is saved and opened by somebody else', async () => {
  const one = await openSession(server);
  const { qAppId } = await one.global.createApp('Saved');
  const doc = await one.global.openDoc(qAppId);
  await doc.setScript(SALES);
  await doc.doReload();
  await doc.createBookmark({ qInfo: { qId: 'all', qType: 'bookmark' } });
  await doc.doSave();
  await one.close();
  const two = await openSession(server, { where: encodeURIComponent(qAppId) });
  assert.deepEqual((await two.global.getDocList()).map((d) => d.qTitle), ['Saved']);
  const again = await two.global.openDoc(qAppId);
  assert.equal(await again.evaluate('Sum(Amount)'), '16');
  assert.equal((await again.getAppLayout()).qTitle, 'Saved');
  await two.close();
});

test('a lost socket comes back to its session', async () => {
  const where = 'engineData/ttl/30'; const headers = { 'X-Qlik-Session': `resume-${process.pid}` };
  const app = await openApp(server, SALES, { where, headers });
  const region = await app.doc.createSessionObject(list('Region'));
  await region.selectListObjectValues('/qListObjectDef', [2], true);
  const before = region.handle;
  await app.session.suspend();
  await app.session.resume();
  assert.notEqual(region.handle, before);
  assert.equal(states(await region.getLayout()), 'North:A South:A West:S');
  await app.close();
});

test('pivot nodes open and close', async () => {
  const app = await openApp(server, SALES);
  const pivot = await app.doc.createSessionObject(cube(['Group', 'Product'], ['Sum(Amount)'], { qMode: 'P', qNoOfLeftDims: 2 }));
  const page = async () => (await pivot.getHyperCubePivotData('/qHyperCubeDef', [{ qTop: 0, qLeft: 0, qWidth: 50, qHeight: 50 }]))[0];
  assert.deepEqual((await page()).qLeft.map((n) => [n.qText, n.qCanExpand, n.qSubNodes.length]), [['Food', true, 0], ['Tools', true, 0]]);
  await pivot.expandLeft('/qHyperCubeDef', 0, 0, false);
  assert.deepEqual((await page()).qLeft.map((n) => n.qSubNodes.map((s) => s.qText)), [['a', 'b'], []]);
  await pivot.collapseLeft('/qHyperCubeDef', 0, 0, false);
  assert.equal((await page()).qLeft[0].qSubNodes.length, 0);
  await pivot.expandLeft('/qHyperCubeDef', 0, 0, true);
  assert.deepEqual((await page()).qLeft.map((n) => n.qSubNodes.length), [2, 1]);
  await app.close();
});

test('a cancelled session leaves the server running', async () => {
  const app = await openApp(server, 'LOAD RecNo() AS N AUTOGENERATE 1000;');
  const pending = Promise.allSettled([app.doc.evaluate('Sum(N)'), app.doc.doReload()]);
  app.session.close();
  await pending;
  const next = await openApp(server, 'LOAD 1 AS N AUTOGENERATE 1;');
  assert.equal(await next.doc.evaluate('Sum(N)'), '1');
  await next.close();
});

test('the page and the health check are served', async () => {
  const page = await fetch(`${server.http}/`);
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-security-policy'), /default-src 'self'/);
  assert.match(await page.text(), /main\.js/);
  assert.equal((await fetch(`${server.http}/main.js`)).status, 200);
  assert.equal((await fetch(`${server.http}/nothing`)).status, 404);
  assert.match((await (await fetch(`${server.http}/healthcheck`)).json()).started, /^\d{8}T\d{6}\.\d{3}[+-]\d{4}$/);
});
