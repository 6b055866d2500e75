// A site: unmodified clients of the field against its log-in, hub and repository.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import https from 'node:https';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { QlikRepoApi } from 'qlik-repo-api';
import WebSocket from 'ws';
import { openSession, startServer } from './server.mjs';
import { repositoryOf, startSite, Visitor } from './site.mjs';

const require = createRequire(import.meta.url);
const enigma = require('enigma.js');
const schema = require('enigma.js/schemas/12.2027.0.json');

const browserPath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => p && existsSync(p));
const skip = browserPath ? false : 'there is no Chromium: set CHROMIUM to its path';

let site; let browser;

const interact = (user) => repositoryOf(site, user);

before(async () => {
  site = await startSite('--program', process.execPath);
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
  const count = async (who) => (await who.Get("stream/count?filter=name so 'oney'")).body;
  assert.deepEqual([await count(ann), await count(qrs)], [{ value: 1 }, { value: 1 }]);
  assert.equal((await qrs.Delete(`systemrule/${rule.id}`)).statusCode, 204);
  assert.deepEqual([await count(ann), await count(qrs)], [{ value: 0 }, { value: 1 }]);
  assert.equal((await qrs.Delete(`stream/${stream.id}`)).statusCode, 204);
  assert.equal((await qrs.Delete(`user/${user.id}`)).statusCode, 204);
});

/** The file of an app with a script, and with its data. */
async function appFile(script) {
  const server = await startServer();
  const { global, close } = await openSession(server);
  const { qAppId } = await global.createApp('Made elsewhere');
  const doc = await global.openDoc(qAppId);
  await doc.setScript(script);
  assert.equal(await doc.doReload(), true);
  await doc.doSave();
  await close();
  const file = readFileSync(path.join(server.apps, readdirSync(server.apps).find((f) => f.endsWith('.qvf'))));
  await server.stop();
  return file;
}

/** Waits until an execution has ended; its results. */
async function ended(qrs, execution) {
  for (let i = 0; i < 300; i += 1) {
    const there = await qrs.Get(`executionsession/${execution}`).catch((e) => { assert.match(e.message, /404/); return null; });
    if (!there) return (await qrs.Get(`executionresult/full?filter=ExecutionId eq ${execution}`)).body;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error(`execution ${execution} does not end`);
}

test('qrs-interact: the life of an app, and its tasks', async () => {
  const file = await appFile('TRACE hello;\nT: LOAD RecNo() AS x AUTOGENERATE 10;');
  const app = (await interact().Post('app/upload?name=Uploaded&keepdata=true', file, 'application/vnd.qlik.sense.app')).body;
  assert.deepEqual([app.name, app.published, app.owner.userId], ['Uploaded', false, 'sa_api']);
  const qrs = interact();
  const renamed = (await qrs.Put(`app/${app.id}`, { ...app, name: 'Renamed' })).body;
  assert.equal(renamed.name, 'Renamed');
  await assert.rejects(qrs.Put(`app/${app.id}`, { ...app, name: 'Late' }), /409/);
  const copy = (await qrs.Post(`app/${app.id}/copy?name=Copy`)).body;
  const [stream] = (await qrs.Get("stream?filter=name eq 'Everyone'")).body;
  assert.equal((await qrs.Put(`app/${copy.id}/publish?stream=${stream.id}`, {})).body.published, true);
  const { downloadPath } = (await qrs.Post(`app/${app.id}/export/4f0b6d0e-0000-4000-8000-000000000001`)).body;
  const exported = (await qrs.Get(downloadPath)).body;
  assert.ok(exported.length > 1000 && exported.subarray(0, 4).equals(file.subarray(0, 4)), 'the exported file is an app');
  assert.equal((await interact().Put(`app/${app.id}/replace?app=${copy.id}`, {})).body.id, copy.id);

  const { body: task } = await qrs.Post('reloadtask/create', {
    task: { name: 'nightly', app: { id: app.id }, enabled: true, taskSessionTimeout: 10, maxRetries: 0 },
    schemaEvents: [{ name: 'some day', enabled: true, timeZone: 'UTC', daylightSavingTime: 0, incrementOption: 2, startDate: '2099-01-01T00:00:00.000Z', expirationDate: '9999-01-01T00:00:00.000Z', schemaFilterDescription: ['* * - * * * * *'], incrementDescription: '0 0 1 0' }],
    compositeEvents: [],
  }, 'json');
  const [event] = (await qrs.Get(`schemaevent/full?filter=reloadTask.id eq ${task.id}`)).body;
  const changed = (await qrs.Post('reloadtask/update', {
    task: { ...task, name: 'weekly' }, schemaEventsToDelete: [event.id], compositeEventsToDelete: [], schemaEvents: [{ ...event, id: undefined, modifiedDate: undefined, name: 'another day' }], compositeEvents: [],
  }, 'json')).body;
  assert.equal(changed.name, 'weekly');
  assert.deepEqual((await qrs.Get(`schemaevent?filter=reloadTask.id eq ${task.id}`)).body.map((e) => e.name), ['another day']);

  const execution = (await qrs.Post('task/start/synchronous?name=weekly')).body.value;
  const [result] = await ended(qrs, execution);
  assert.deepEqual([result.status, result.appID, result.scriptLogAvailable], [7, app.id, true]);
  const log = async () => {
    const ticket = (await qrs.Get(`reloadtask/${task.id}/scriptlogfile?executionResultId=${result.id}`)).body.value;
    const from = { cert: site.file('Certificates', 'client.pem'), key: site.file('Certificates', 'client_key.pem'), headers: { 'X-Qlik-User': 'UserDirectory=Internal;UserId=sa_api', 'X-Qlik-Xrfkey': 'abcdefghijklmnop' } };
    const url = `https://127.0.0.1:${site.repository}/qrs/download/reloadtask/${ticket}/scriptlog.txt?xrfkey=abcdefghijklmnop`;
    return [await new Visitor().send(url, from), await new Visitor().send(url, from)];
  };
  const [first, second] = await log();
  assert.match(first.text, /Execution started\.[\s\S]*000001 {2}TRACE hello[\s\S]* hello\n[\s\S]*T << 10 Lines fetched\n[\s\S]*Execution finished\./);
  assert.equal(second.status, 404, 'a ticket counts once');
  assert.equal((await qrs.Get(`reloadtask/${task.id}`)).body.operational.lastExecutionResult.status, 7);

  await qrs.Put(`app/${app.id}`, { ...(await qrs.Get(`app/${app.id}`)).body, name: 'Renamed' });
  assert.equal((await qrs.Post(`app/${app.id}/reload`)).statusCode, 204);
  const [manual] = (await qrs.Get("reloadtask/full?filter=isManuallyTriggered eq true")).body;
  assert.equal(manual.name, 'Manually triggered reload of Renamed');

  const program = (await qrs.Post('externalprogramtask', { name: 'says hello', enabled: true, taskSessionTimeout: 1, maxRetries: 0, path: process.execPath, parameters: '-e "console.log(`hello ${process.argv[1]}`)" "a b"' }, 'json')).body;
  const [said] = await ended(qrs, (await qrs.Post(`task/${program.id}/start/synchronous`)).body.value);
  assert.deepEqual([said.status, said.details[0].message], [7, 'hello a b']);
  const other = (await qrs.Post('externalprogramtask', { name: 'not allowed', enabled: true, taskSessionTimeout: 1, maxRetries: 1, path: '/bin/sh', parameters: '-c true' }, 'json')).body;
  const tries = await ended(qrs, (await qrs.Post(`task/${other.id}/start/synchronous`)).body.value);
  assert.deepEqual(tries.map((t) => t.status), [8, 8]);
  assert.match(tries[0].details[0].message, /may not be run here/);

  assert.equal((await qrs.Delete(`app/${app.id}`)).statusCode, 204);
  await assert.rejects(qrs.Get(`reloadtask/${task.id}`), /404/, 'its tasks go with it');
  assert.equal((await qrs.Delete(`app/${copy.id}`)).statusCode, 204);
});

test('qlik-repo-api: an app, its task and its triggers', async () => {
  const httpsAgent = new https.Agent({ rejectUnauthorized: false, cert: site.file('Certificates', 'client.pem'), key: site.file('Certificates', 'client_key.pem') });
  const repo = new QlikRepoApi.client({ host: '127.0.0.1', port: Number(site.repository), httpsAgent, authentication: { user_dir: 'INTERNAL', user_name: 'sa_api' } });
  const file = await appFile('SLEEP 1500;\nT: LOAD RecNo() AS x AUTOGENERATE 10;');
  const property = await repo.customProperties.create({ name: 'Department', choiceValues: ['A', 'B'], objectTypes: ['App', 'Stream'] });
  await repo.tags.createMany({ names: ['one', 'two'] });
  const stream = await repo.streams.create({ name: 'News', tags: ['one'], customProperties: ['Department=A'] });
  await stream.update({ tags: ['two'] }, { tagOperation: 'add' });
  assert.deepEqual(stream.details.tags.map((t) => t.name).sort(), ['one', 'two']);
  const app = await repo.apps.upload({ name: 'Slow', file, keepData: true });
  await app.update({ customProperties: ['Department=B'] });
  const copy = await app.copy({ name: 'Slower', includeCustomProperties: true });
  assert.deepEqual(copy.details.customProperties.map((p) => [p.definition.name, p.value]), [['Department', 'B']]);
  assert.equal((await app.publish({ stream: 'News' })).stream.name, 'News');
  const exported = await app.export();
  const parts = [];
  for await (const chunk of exported.file) parts.push(chunk);
  assert.ok(exported.name === 'Slow.qvf' && Buffer.concat(parts).subarray(0, 4).equals(file.subarray(0, 4)), 'the exported file is an app');

  const first = await repo.reloadTasks.create({ name: 'first', appId: app.details.id, tags: ['one'] });
  const second = await repo.reloadTasks.create({ name: 'second', appFilter: "name eq 'Slower'" });
  for (const repeat of ['Once', 'Hourly', 'Daily', 'Weekly', 'Monthly']) {
    await first.triggers.addSchema({ name: repeat, repeat, repeatEvery: 1, startDate: '2099-01-01T00:00:00.000Z', daysOfWeek: ['Monday'], daysOfMonth: [1], timeZone: 'Europe/London' });
  }
  await second.triggers.addComposite({ name: 'then', eventTasks: [{ id: first.details.id, state: 'success' }] });
  assert.equal((await repo.reloadTasks.get({ id: first.details.id })).triggers.details.length, 5);
  await first.startSynchronous();
  const now = await repo.reloadTasks.get({ id: first.details.id }); // its last result is that of the run that has just begun
  assert.equal((await now.waitExecution({})).status, 7);
  assert.equal(await repo.executionSessions.count(), 1, 'the second one follows');
  for (let i = 0; i < 100 && await repo.executionSessions.count(); i += 1) await new Promise((resolve) => { setTimeout(resolve, 100); });
  assert.equal((await repo.reloadTasks.get({ id: second.details.id })).details.operational.lastExecutionResult.status, 7);

  assert.equal((await repo.reloadTasks.removeFilter({ filter: "name eq 'first' or name eq 'second'" })).length, 2);
  assert.equal((await repo.apps.removeFilter({ filter: "name sw 'Slow'" })).length, 2);
  assert.deepEqual([await stream.remove(), await property.remove(), ...(await repo.tags.removeFilter({ filter: "name eq 'one' or name eq 'two'" })).map((r) => r.status)], [204, 204, 204, 204]);
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
  await app.locator('.star').click();
  await page.waitForSelector('.star[aria-pressed=true]');
  await page.reload();
  await page.click('#streams button:has-text("Favourites")');
  await app.waitFor();
  const visitor = new Visitor();
  const hub = async (what) => { const a = await visitor.send(`${site.url}api/${what}`, { headers: { Cookie: cookie } }); return [a.status, JSON.parse(a.text)]; };
  const [status, favourites] = await hub('hub/v1/apps/favorites');
  assert.deepEqual([status, favourites.data.map((a) => [a.type, a.attributes.name, a.attributes.published])], [200, [['App', 'Made by enigma', true]]]);
  const { relationships } = favourites.data[0];
  assert.deepEqual(favourites.included.map((x) => [x.type, x.id, x.attributes.name]), [['Stream', relationships.stream.data.id, 'Everyone'], ['User', relationships.owner.data.id, 'Administrator']]);
  assert.deepEqual((await hub(`hub/v1/apps/stream/${relationships.stream.data.id}`))[1].data.map((a) => a.id), [favourites.data[0].id]);
  assert.equal((await hub('hub/v1/apps/stream/4f0b6d0e-0000-4000-8000-000000000001'))[0], 404);
  assert.deepEqual((await hub('hub/v1/streams'))[1].data.map((x) => x.attributes.name), ['Everyone', 'Monitoring apps']);
  assert.equal((await hub('hub/v1/user/info'))[1].data.attributes.userId, 'admin');
  assert.deepEqual((await hub('hub/v1/privileges'))[1].data.attributes.app, ['create']);
  for (const rest of ['about/v1/language', 'about/v1/systeminfo', 'capability/v1/list', 'hub/v1/apps/user', 'hub/v1/apps/stream/myspace', 'hub/v1/reports', 'hub/v1/qvdocuments', 'hub/v1/properties', 'odag/v1/isodagavailable']) assert.equal((await hub(rest))[0], 200, rest);
  assert.equal((await hub('hub/v1/nothing'))[0], 404);
  await app.locator('h3 a').click();
  await page.waitForSelector('body[data-ready=true]:not(.hub)');
  assert.match(await page.locator('#title').innerText(), /Made by enigma/);
  await close();
});

test('@qlik/api in a page of the site', { skip }, async () => {
  const [{ id: admin }] = (await interact().Get("user?filter=userId eq 'admin'")).body;
  const made = (await interact().Post('app/upload?name=Mashup', await appFile('T: LOAD RecNo() AS x AUTOGENERATE 4;'), 'application/vnd.qlik.sense.app')).body;
  await interact().Put(`app/${made.id}`, { ...made, owner: { id: admin } });
  const { outputFiles: [{ text }] } = await build({
    stdin: { contents: "import { auth, qix } from '@qlik/api'; window.clients = { auth, qix };", resolveDir: import.meta.dirname }, bundle: true, write: false, format: 'iife', logLevel: 'silent',
  });
  const { page, close } = await logIn({ bypassCSP: true }); // the page's own policy takes no scripts of others
  await page.addScriptTag({ content: text });
  assert.equal(await page.evaluate(async (appId) => {
    window.clients.auth.setDefaultHostConfig({ host: location.origin, authType: 'windowscookie' });
    const session = window.clients.qix.openAppSession({ appId });
    const doc = await session.getDoc();
    const cube = { qMeasures: [{ qDef: { qDef: 'Sum(x)' } }], qInitialDataFetch: [{ qTop: 0, qLeft: 0, qWidth: 1, qHeight: 1 }] };
    const layout = await (await doc.createSessionObject({ qInfo: { qType: 'total' }, qHyperCubeDef: cube })).getLayout();
    await session.close();
    return layout.qHyperCube.qDataPages[0].qMatrix[0][0].qText;
  }, made.id), '10');
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
