// Runs `cognate site` in a folder of its own, and visits it.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import http from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { binary } from './server.mjs';

const qrsInteract = createRequire(import.meta.url)('qrs-interact');

export async function startSite(...flags) {
  const dir = mkdtempSync(path.join(tmpdir(), 'cognate-site-'));
  const free = ['--listen', '--rest', '--repository'].flatMap((flag) => [flag, '127.0.0.1:0']);
  const child = spawn(binary(dir), ['site', '--dir', dir, ...free, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => { child.on('exit', resolve); });
  let said = '';
  child.stderr.on('data', (text) => { said += text; });
  for (let i = 0; !/msg=listening/.test(said); i += 1) {
    if (child.exitCode !== null || i > 1000) throw new Error(`the site does not answer: ${said}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  return {
    dir, url: /url=(\S+)/.exec(said)[1], repository: /repository=127.0.0.1:(\d+)/.exec(said)[1], password: /password (\S+)/.exec(said)[1],
    said: () => said, file: (...names) => readFileSync(path.join(dir, ...names)),
    async stop() { child.kill('SIGTERM'); const code = await ended; rmSync(dir, { recursive: true, force: true }); return code; },
  };
}

/** The repository as qrs-interact reaches it, in the name of a user. */
export const repositoryOf = (site, user = 'UserDirectory=Internal;UserId=sa_api') => new qrsInteract({
  hostname: '127.0.0.1', portNumber: site.repository, repoAccount: user,
  certificates: { certFile: path.join(site.dir, 'Certificates', 'client.pem'), keyFile: path.join(site.dir, 'Certificates', 'client_key.pem') },
});

/** A browser without pages: it keeps cookies and follows redirects. */
export class Visitor {
  jar = new Map();

  async send(url, { method = 'GET', headers = {}, body, ...options } = {}) {
    const at = new URL(url);
    const cookies = this.jar.get(at.host) ?? new Map();
    this.jar.set(at.host, cookies);
    const answer = await new Promise((resolve, reject) => {
      const request = (at.protocol === 'https:' ? https : http).request(at, {
        method, rejectUnauthorized: false, headers: { Cookie: [...cookies].map(([k, v]) => `${k}=${v}`).join('; '), ...headers }, ...options,
      }, resolve);
      request.on('error', reject);
      request.end(body);
    });
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) cookies.delete(name); else cookies.set(name, value);
    }
    let text = '';
    for await (const part of answer) text += part;
    return { status: answer.statusCode, headers: answer.headers, url: at.href, text };
  }

  /** Follows redirects; `seen` gets the addresses. */
  async visit(url, options = {}, seen = []) {
    let answer = await this.send(url, options);
    for (let i = 0; i < 20 && answer.headers.location; i += 1) {
      const next = new URL(answer.headers.location, answer.url).href;
      seen.push(next);
      answer = await this.send(next);
    }
    return answer;
  }

  /** Sends the first form of a page, filled in. */
  submit(page, values = {}, seen = []) {
    const action = new URL((/<form[^>]*action="([^"]*)"/.exec(page.text)?.[1] ?? '').replaceAll('&amp;', '&'), page.url).href;
    const fields = [...page.text.matchAll(/<input[^>]*>/g)].map(([input]) => [/name="([^"]*)"/.exec(input)?.[1], /value="([^"]*)"/.exec(input)?.[1] ?? '']).filter(([name]) => name);
    const body = new URLSearchParams({ ...Object.fromEntries(fields.map(([k, v]) => [k, v.replaceAll('&#43;', '+').replaceAll('&amp;', '&')])), ...values });
    return this.visit(action, { method: 'POST', body: body.toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: new URL(page.url).origin } }, seen);
  }

  cookie(url) { return [...this.jar.get(new URL(url).host) ?? []].map(([k, v]) => `${k}=${v}`).join('; '); }
}
