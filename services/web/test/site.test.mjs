// A site: unmodified clients of the field against its log-in, hub and repository.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import WebSocket from 'ws';
import { repositoryOf, startSite } from './site.mjs';

const require = createRequire(import.meta.url);
const enigma = require('enigma.js');
const schema = require('enigma.js/schemas/12.2027.0.json');

const browserPath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => p && existsSync(p));
const skip = browserPath ? false : 'there is no Chromium: set CHROMIUM to its path';

let site; let browser;

const interact = (user) => repositoryOf(site, user);

before(async () => {
  site = await startSite();
  if (!skip) browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
});
after(async () => { await browser?.close(); assert.equal(await site?.stop(), 0); });

/** A page that is logged in as the administrator, with the session's cookie. */
async function logIn(options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1200, height: 760 }, ...options });
  const page = await context.newPage(); const errors = [];
  page.on('pageerror', (e) => errors.push(e.message));
  await page.goto(site.url);
  await page.fill('input[name=username]', 'admin');
  await page.fill('input[name=password]', site.password);
  await page.click('button');
  await page.waitForSelector('body.hub[data-ready=true]');
  const cookie = (await context.cookies()).map((c) => `${c.name}=${c.value}`).join('; ');
  return { context, page, cookie, async close() { assert.deepEqual(errors, []); await context.close(); } };
}

test('qrs-interact: users, streams, tags, rules', async () => {
  const qrs = interact();
  assert.equal((await qrs.Get('about')).body.schemaPath, 'About');
  const stream = (await qrs.Post('stream', { name: 'Finance' }, 'json')).body;
  assert.equal(stream.name, 'Finance');
  const user = (await qrs.Post('user', { userDirectory: 'DOM', userId: 'ann', name: 'Ann', removedExternally: false, blacklisted: false }, 'json')).body;
  const ann = interact('UserDirectory=DOM; UserId=ann');
  assert.deepEqual((await ann.Get("stream?filter=name eq 'Finance'")).body, []);
  const rule = (await qrs.Post('systemrule', { name: 'Ann reads Finance', category: 'Security', type: 'Custom', rule: 'user.userId = "ann"', resourceFilter: `Stream_${stream.id}`, actions: 2, ruleContext: 0 }, 'json')).body;
  assert.deepEqual((await ann.Get("stream?filter=name eq 'Finance'")).body.map((s) => s.name), ['Finance']);
  await assert.rejects(ann.Put(`stream/${stream.id}`, { name: 'Hers' }));
  assert.equal((await qrs.Put(`stream/${stream.id}`, { ...stream, name: 'Money' })).body.name, 'Money');
  assert.equal((await qrs.Delete(`systemrule/${rule.id}`)).statusCode, 204);
  assert.deepEqual((await ann.Get('stream/count')).body, (await ann.Get('stream/count?filter=name so \'o\'')).body);
  assert.equal((await qrs.Delete(`stream/${stream.id}`)).statusCode, 204);
  assert.equal((await qrs.Delete(`user/${user.id}`)).statusCode, 204);
});

test('enigma.js through the proxy, the hub, and who may not', { skip }, async () => {
  const { page, cookie, close } = await logIn();
  const open = (headers) => {
    const session = enigma.create({ schema, url: `${site.url.replace('https', 'wss')}app/engineData`, createSocket: (url) => new WebSocket(url, { rejectUnauthorized: false, headers }) });
    return session.open().then((global) => ({ session, global }));
  };
  const origin = site.url.slice(0, -1);
  const { session, global } = await open({ Cookie: cookie, Origin: origin });
  assert.match(await global.getAuthenticatedUser(), /UserId=admin/);
  const { qAppId } = await global.createApp('Made by enigma');
  const doc = await global.openDoc(qAppId);
  await doc.setScript('T: LOAD RecNo() AS x AUTOGENERATE 10;');
  assert.equal(await doc.doReload(), true);
  await doc.doSave();
  await session.close();
  await assert.rejects(open({ Origin: origin }), 'a socket without a session');
  await assert.rejects(open({ Cookie: cookie, Origin: 'https://evil.example' }), 'a socket of a foreign page');
  await assert.rejects(open({ Cookie: cookie.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')), Origin: origin }), 'a forged session');

  await page.reload();
  await page.waitForSelector('.app:has-text("Made by enigma")');
  await page.setInputFiles('#import input', path.join(site.dir, 'Apps', readdirSync(path.join(site.dir, 'Apps')).find((f) => f.endsWith('.qvf'))));
  await page.waitForSelector('#message:has-text("is imported")');
  const app = page.locator('.app:has-text("Made by enigma")');
  await app.locator('button:has-text("Reload")').click();
  await page.waitForSelector('#message:has-text("has new data")');
  await app.locator('button:has-text("Publish")').click();
  await page.selectOption('dialog select', { label: 'Everyone' });
  await page.click('dialog .go');
  await page.waitForSelector('#message:has-text("is published")');
  await page.click('#streams button:has-text("Everyone")');
  await app.waitFor();
  await page.fill('#search', 'enigma');
  await page.waitForSelector('#heading:has-text("1 found")');
  await app.locator('h3 a').click();
  await page.waitForSelector('body[data-ready=true]:not(.hub)');
  assert.match(await page.locator('#title').innerText(), /Made by enigma/);
  await close();
});

test('who logs out is out', { skip }, async () => {
  const { page, cookie, close } = await logIn({ viewport: { width: 390, height: 800 }, colorScheme: 'dark' });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  await page.click('#logout');
  await page.waitForSelector('input[name=username]');
  const stolen = new WebSocket(`${site.url.replace('https', 'wss')}app/engineData`, { rejectUnauthorized: false, headers: { Cookie: cookie, Origin: site.url.slice(0, -1) } });
  await assert.rejects(new Promise((resolve, reject) => { stolen.on('open', resolve); stolen.on('error', reject); stolen.on('unexpected-response', (_, r) => reject(new Error(`status ${r.statusCode}`))); }));
  await close();
});
