// The page in a real browser: clicks, searches, the selection bar and the charts.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { openSession, startServer } from './server.mjs';

const browserPath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => p && existsSync(p));
const skip = browserPath ? false : 'there is no Chromium: set CHROMIUM to its path';

const SCRIPT = `Sales: LOAD *, RowNo() * 10 AS Amount INLINE [
Region, Product
North, a
North, b
South, a
West, c
West, d
West, e];
Numbers: LOAD RowNo() AS Amount, Mod(RowNo(), 7) AS Bucket AUTOGENERATE 100;`;

let server; let browser;
before(async () => {
  if (skip) return;
  server = await startServer();
  const { global, close } = await openSession(server);
  const { qAppId } = await global.createApp('Small');
  const doc = await global.openDoc(qAppId);
  await doc.setScript(SCRIPT);
  assert.equal(await doc.doReload(), true);
  await doc.doSave();
  await close();
  browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
});
after(async () => { await browser?.close(); await server?.stop(); });

/** Opens the page; what it logs as an error fails the test. */
async function open(options = {}, prepare = async () => {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
  const page = await context.newPage(); const errors = [];
  page.on('pageerror', (e) => errors.push(e.message));
  page.on('console', (m) => { if (m.type() === 'error') errors.push(m.text()); });
  await prepare(page);
  await page.goto(server.http);
  await page.waitForSelector('body[data-ready=true]');
  return { page, box: (field) => page.locator(`.listbox[data-field="${field}"]`), async close() { assert.deepEqual(errors, []); await context.close(); } };
}

const states = (box) => box.locator('.value').evaluateAll((all) => all.map((v) => `${v.textContent}:${v.className.replace('value ', '')}`).sort().join(' '));
const until = async (read, want) => { for (let i = 0; i < 100; i += 1) { if (await read() === want) return; await new Promise((r) => { setTimeout(r, 30); }); } assert.equal(await read(), want); };

test('a click selects, the bar shows it and takes it back', { skip }, async () => {
  const { page, box, close } = await open();
  const region = box('Region'); const product = box('Product');
  await until(() => states(region), 'North:O South:O West:O');
  await region.locator('.value', { hasText: 'North' }).click();
  await until(() => states(region), 'North:S South:A West:A');
  await until(() => states(product), 'a:O b:O c:X d:X e:X');
  await until(() => page.locator('.chip').innerText().then((t) => t.replace(/\s+/g, ' ')), 'Region North ×');
  await page.getByLabel('Step back').click();
  await until(() => states(product), 'a:O b:O c:O d:O e:O');
  await page.getByLabel('Step forward').click();
  await until(() => states(product), 'a:O b:O c:X d:X e:X');
  await page.locator('#clear-all').click();
  await until(() => page.locator('.chip').count(), 0);
  await close();
});

test('a search narrows a list box and Enter selects', { skip }, async () => {
  const { box, close } = await open();
  const region = box('Region');
  await region.locator('input').fill('so');
  await until(() => region.locator('.value').count(), 1);
  assert.equal(await region.locator('mark').innerText(), 'So');
  await region.locator('input').press('Enter');
  await until(() => states(region), 'North:A South:S West:A');
  await region.getByLabel('Lock Region').click();
  await until(() => states(region), 'North:A South:L West:A');
  await close();
});

test('bars draw and select', { skip }, async () => {
  const { page, box, close } = await open();
  const bar = page.locator('[data-chart="Region"] .bar').first();
  const name = await bar.getAttribute('data-value');
  await bar.click();
  await until(() => box('Region').locator('.value.S').innerText(), name);
  await close();
});

test('the keyboard is enough', { skip }, async () => {
  const { page, box, close } = await open();
  await box('Region').locator('.value', { hasText: 'West' }).focus();
  await page.keyboard.press('Enter');
  await until(() => states(box('Region')), 'North:A South:A West:S');
  await close();
});

for (const width of [360, 1400]) {
  for (const colorScheme of ['light', 'dark']) {
    test(`nothing overflows at ${width} pixels, ${colorScheme}`, { skip }, async () => {
      const { page, close } = await open({ viewport: { width, height: 800 }, colorScheme });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page scrolls sideways');
      await close();
    });
  }
}

test('a page that is loaded again has its selections, a link to nowhere says so', { skip }, async () => {
  const { page, box, close } = await open();
  await box('Region').locator('.value', { hasText: 'North' }).click();
  await until(() => states(box('Product')), 'a:O b:O c:X d:X e:X');
  assert.match(page.url(), /\?app=/);
  await page.reload();
  await page.waitForSelector('body[data-ready=true]');
  await until(() => states(box('Region')), 'North:S South:A West:A');
  await until(() => states(box('Product')), 'a:O b:O c:X d:X e:X');
  await page.goto(`${server.http}/?app=Small`);
  await page.waitForSelector('body[data-ready=true]');
  await until(() => states(box('Region')), 'North:S South:A West:A');
  await page.goto(`${server.http}/?app=Gone`);
  await until(() => page.locator('#message').innerText(), 'There is no app Gone that you may open. Choose another one.');
  await close();
});

test('a page that lost its engine comes back by itself, with its selections', { skip }, async () => {
  const sockets = [];
  const { page, box, close } = await open({}, (p) => p.routeWebSocket(/\/app\//, (ws) => { ws.connectToServer(); sockets.push(ws); }));
  await box('Region').locator('.value', { hasText: 'North' }).click();
  await until(() => states(box('Product')), 'a:O b:O c:X d:X e:X');
  const before = sockets.length;
  await sockets.at(-1).close({ code: 1011, reason: 'the engine is gone' });
  await until(() => page.locator('#message').innerText(), 'The connection to the engine is closed. Trying to come back …');
  await until(() => sockets.length > before, true);
  await page.waitForSelector('body[data-ready=true]');
  await until(() => page.locator('#message').isHidden(), true);
  await until(() => states(box('Product')), 'a:O b:O c:X d:X e:X');
  await close();
});
