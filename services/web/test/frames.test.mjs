// Frames of a hundred megabytes, at the limit that the program has by default.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { openApp, startServer } from './server.mjs';

let server; let other;
before(async () => { server = await startServer(); other = await openApp(server, 'T: LOAD RecNo() AS a AUTOGENERATE 9;'); });
after(async () => { await other?.close(); await server.stop(); });

/** Sends one frame and tells what came back: the answer to id 1, or the code that the socket was closed with. */
const send = (frame) => new Promise((resolve, reject) => {
  const ws = new WebSocket(`${server.ws}/app/engineData`);
  ws.on('open', () => ws.send(frame));
  ws.on('message', (m) => { const answer = JSON.parse(m); if (answer.id === 1 || answer.error) { ws.close(); resolve(answer); } });
  ws.on('close', (code) => resolve({ code }));
  ws.on('error', reject);
});
const request = (bytes) => { const head = '{"jsonrpc":"2.0","id":1,"handle":-1,"method":"GetUniqueID","params":[],"x":"'; return `${head}${'y'.repeat(bytes - head.length - 2)}"}`; };

test('a frame at the limit is answered, one beyond it ends its socket only', async () => {
  assert.ok((await send(request(100 << 20))).result, 'a frame of 100 MiB');
  assert.equal((await send(request((100 << 20) + 1))).code, 1009, 'one byte more');
  assert.equal((await send('{'.repeat(100_000_000))).error?.code, -32700, '100 MB of brackets');
  assert.equal((await other.doc.evaluateEx('Sum(a)')).qNumber, 45, 'another session goes on');
});
