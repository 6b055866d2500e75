// Starts the program on a free port with a folder of apps of its own.
// COGNATE_BIN names a built binary; without it one is built.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import WebSocket from 'ws';

const require = createRequire(import.meta.url);
const enigma = require('enigma.js');
const schema = require('enigma.js/schemas/12.2027.0.json');
const root = path.resolve(import.meta.dirname, '../../..');

export function binary(dir) {
  if (process.env.COGNATE_BIN) return process.env.COGNATE_BIN;
  const out = path.join(dir, 'cognate');
  execFileSync('go', ['build', '-o', out, './cmd/cognate'], { cwd: root, stdio: 'inherit' });
  return out;
}

/** Runs `cognate serve`; the result has addresses, cognate(...args), its folder of apps, and stop(). */
export async function startServer(...flags) {
  const dir = mkdtempSync(path.join(tmpdir(), 'cognate-'));
  const addrFile = path.join(dir, 'addr');
  const bin = binary(dir);
  const child = spawn(bin, ['serve', '--listen', '127.0.0.1:0', '--apps', path.join(dir, 'apps'), '--addr-file', addrFile, '--log-level', 'WARN', ...flags], { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise((resolve) => { child.on('exit', resolve); });
  while (!existsSync(addrFile) || !readFileSync(addrFile, 'utf8')) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  const addr = readFileSync(addrFile, 'utf8');
  return {
    http: `http://${addr}`, ws: `ws://${addr}`, dir, apps: path.join(dir, 'apps'),
    cognate: (...args) => execFileSync(bin, args, { encoding: 'utf8', maxBuffer: 1 << 28 }),
    async stop() { child.kill('SIGTERM'); const code = await ended; rmSync(dir, { recursive: true, force: true }); return code; },
  };
}

/** Opens an enigma session; close() ends it. */
export async function openSession(server, { where = 'engineData', delta = true, headers = {} } = {}) {
  const session = enigma.create({ schema, url: `${server.ws}/app/${where}`, protocol: { delta }, createSocket: (url) => new WebSocket(url, { headers }) });
  const global = await session.open();
  return { session, global, close: () => session.close() };
}

/** A session app with the script loaded. */
export async function openApp(server, script, options) {
  const { session, global, close } = await openSession(server, options);
  const doc = await global.createSessionApp();
  await doc.setScript(script);
  if (!await doc.doReload()) throw new Error(JSON.stringify((await global.getProgress(0)).qErrorData));
  return { session, global, doc, close };
}

/** Resolves when the object has been told of a change. */
export const changed = (object) => new Promise((resolve) => { object.once('changed', resolve); });
