// Every way to log in, with enigma.js through the proxy of a site, against real
// identity providers; and what must not let anybody in.
import assert from 'node:assert/strict';
import { X509Certificate, createHmac, createVerify, generateKeyPairSync, sign } from 'node:crypto';
import http from 'node:http';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { after, before, test } from 'node:test';
import { auth, qix } from '@qlik/api';
import Provider from 'oidc-provider';
import samlp from 'samlp';
import selfsigned from 'selfsigned';
import WebSocket from 'ws';
import { repositoryOf, startSite, Visitor } from './site.mjs';

const require = createRequire(import.meta.url);
const enigma = require('enigma.js');
const schema = require('enigma.js/schemas/12.2027.0.json');

let site; let qrs;
const closers = [];
before(async () => { site = await startSite('--trust', '127.0.0.1/32'); qrs = repositoryOf(site); });
after(async () => { for (const close of closers) close(); assert.equal(await site?.stop(), 0); });

/** A server of the test on a free port; its address. */
async function serve(handle) {
  const server = http.createServer(handle);
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  closers.push(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${server.address().port}`;
}

/** Makes a virtual proxy and waits until the running proxy has it. */
async function virtualProxy(prefix, settings) {
  const nodes = (await qrs.Get('servernodeconfiguration')).body.map(({ id }) => ({ id }));
  const made = (await qrs.Post('virtualproxyconfig', {
    prefix, description: prefix, sessionCookieHeaderName: `X-Qlik-Session-${prefix}`, sessionInactivityTimeout: 30, defaultVirtualProxy: false, loadBalancingServerNodes: nodes, ...settings,
  }, 'json')).body;
  const [{ id }] = (await qrs.Get('proxyservice')).body;
  const service = (await qrs.Get(`proxyservice/${id}`)).body;
  service.settings.virtualProxies.push(made);
  await qrs.Put(`proxyservice/${id}`, service);
  const base = `${site.url}${prefix}/`;
  for (let i = 0; (await new Visitor().send(`${base}qps/user`)).status === 404; i += 1) {
    if (i > 200) throw new Error(`the proxy does not have ${prefix}: ${site.said()}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  return base;
}

/** Who the engine says that a socket's user is. */
async function whoami(base, headers, options = {}) {
  const session = enigma.create({
    schema, url: `${base.replace('https', 'wss')}app/engineData`,
    createSocket: (url) => new WebSocket(url, { rejectUnauthorized: false, headers: { Origin: site.url.slice(0, -1), ...headers }, ...options }),
  });
  try {
    return await (await session.open()).getAuthenticatedUser();
  } finally {
    await session.close().catch(() => {});
  }
}
const refused = (base, headers, options) => assert.rejects(whoami(base, headers, options));

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
function token(claims, { alg = 'RS256', key = privateKey } = {}) {
  const text = `${part({ alg, typ: 'JWT' })}.${part({ userId: 'ann', dir: 'JWTS', aud: 'cognate', exp: Math.floor(Date.now() / 1000) + 60, ...claims })}`;
  if (alg === 'none') return `${text}.`;
  if (alg === 'HS256') return `${text}.${createHmac('sha256', publicKey.export({ type: 'spki', format: 'pem' })).update(text).digest('base64url')}`;
  return `${text}.${sign(`RSA-SHA${alg.slice(2)}`, Buffer.from(text), key).toString('base64url')}`;
}

test('JWT', async () => {
  const base = await virtualProxy('jwt', {
    authenticationMethod: 4, jwtPublicKeyCertificate: publicKey.export({ type: 'spki', format: 'pem' }), jwtAttributeUserId: 'userId', jwtAttributeUserDirectory: 'dir',
    jwtAudience: 'cognate', jwtAttributeMap: [{ jwtAttribute: 'groups', senseAttribute: 'group', isMandatory: false }],
  });
  for (const alg of ['RS256', 'RS384', 'RS512']) {
    assert.match(await whoami(base, { Authorization: `Bearer ${token({ groups: ['a', 'b'] }, { alg })}` }), /UserDirectory=JWTS; UserId=ann/);
  }
  const past = Math.floor(Date.now() / 1000) - 3600;
  for (const [why, wrong] of Object.entries({
    expired: token({ exp: past }), early: token({ nbf: -past * 2 + 2 ** 33 }), 'other audience': token({ aud: 'elsewhere' }), forged: token({}, { key: stranger }),
    unsigned: token({}, { alg: 'none' }), 'public key as secret': token({}, { alg: 'HS256' }), 'service account': token({ userId: 'sa_api', dir: 'INTERNAL' }),
    changed: token({}).replace(/\.[^.]+\./, `.${part({ userId: 'admin', dir: 'LOCAL', aud: 'cognate', exp: -past * 2 })}.`),
  })) {
    await refused(base, { Authorization: `Bearer ${wrong}` }, {}).catch((e) => { throw new Error(`${why}: ${e.message}`); });
  }
  await refused(base, {});
});

test('@qlik/api by JWT', async () => {
  const host = `${site.url}jwt`;
  const headers = { Authorization: `Bearer ${token({})}`, Origin: site.url.slice(0, -1) };
  const session = enigma.create({ schema, url: `${host.replace('https', 'wss')}/app/engineData`, createSocket: (url) => new WebSocket(url, { rejectUnauthorized: false, headers }) });
  const global = await session.open();
  const { qAppId } = await global.createApp('Mine');
  const mine = await global.openDoc(qAppId);
  await mine.setScript('T: LOAD RecNo() AS x AUTOGENERATE 4;');
  assert.equal(await mine.doReload(), true);
  await mine.doSave();
  await session.close();
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // it takes no certificates
  try {
    auth.setDefaultHostConfig({ host, authType: 'windowscookie', getAccessToken: async () => token({}) });
    const opened = qix.openAppSession({ appId: qAppId });
    const doc = await opened.getDoc();
    const cube = { qMeasures: [{ qDef: { qDef: 'Sum(x)' } }], qInitialDataFetch: [{ qTop: 0, qLeft: 0, qWidth: 1, qHeight: 1 }] };
    const object = await doc.createSessionObject({ qInfo: { qType: 'total' }, qHyperCubeDef: cube });
    const total = async () => (await object.getLayout()).qHyperCube.qDataPages[0].qMatrix[0][0].qText;
    assert.equal(await total(), '10');
    const changed = new Promise((resolve) => { object.on('changed', resolve); });
    await (await doc.getField('x')).selectValues([{ qIsNumeric: true, qNumber: 3 }]);
    await changed;
    assert.equal(await total(), '3');
    await opened.close();
  } finally { delete process.env.NODE_TLS_REJECT_UNAUTHORIZED; }
});

test('header, from trusted addresses only', async () => {
  const base = await virtualProxy('head', { authenticationMethod: 1, headerAuthenticationHeaderName: 'X-Person', headerAuthenticationStaticUserDirectory: 'HEADERS' });
  assert.match(await whoami(base, { 'X-Person': 'bo' }), /UserDirectory=HEADERS; UserId=bo/);
  await refused(base, {});
  await refused(base, { 'X-Person': 'bo' }, { localAddress: '127.0.0.2' });
  await refused(base, { 'X-Qlik-User': 'UserDirectory=HEADERS; UserId=bo' });
  const dynamic = await virtualProxy('heads', { authenticationMethod: 2, headerAuthenticationHeaderName: 'X-Person', headerAuthenticationDynamicUserDirectory: '$ud\\\\$id' });
  assert.match(await whoami(dynamic, { 'X-Person': 'DOM\\cy' }), /UserDirectory=DOM; UserId=cy/);
  await refused(dynamic, { 'X-Person': 'INTERNAL\\sa_api' });
});

test('anonymous', async () => {
  const base = await virtualProxy('anon', { authenticationMethod: 0, anonymousAccessMode: 2 });
  const visitor = new Visitor();
  await visitor.visit(`${base}hub/`);
  assert.match(await whoami(base, { Cookie: visitor.cookie(base) }), /UserDirectory=NONE; UserId=anonymous/);
});

test('ticket of a module that knows people', async () => {
  const pair = { cert: site.file('Certificates', 'client.pem'), key: site.file('Certificates', 'client_key.pem'), rejectUnauthorized: false };
  const key = 'abcdefghijklmnop';
  const module = await serve(async (request, response) => {
    const at = new URL(request.url, 'http://module');
    const answer = await new Visitor().send(`${at.searchParams.get('proxyRestUri')}ticket?xrfkey=${key}`, {
      ...pair, method: 'POST', headers: { 'X-Qlik-Xrfkey': key, 'Content-Type': 'application/json' },
      body: JSON.stringify({ UserDirectory: 'MODULE', UserId: 'dee', Attributes: [{ group: 'x' }], TargetId: at.searchParams.get('targetId') }),
    });
    const { Ticket, TargetUri } = JSON.parse(answer.text);
    response.writeHead(302, { Location: `${TargetUri}${TargetUri.includes('?') ? '&' : '?'}qlikTicket=${Ticket}` }).end();
  });
  const base = await virtualProxy('tick', { authenticationMethod: 0, authenticationModuleRedirectUri: `${module}/module` });
  const visitor = new Visitor(); const seen = [];
  const page = await visitor.visit(`${base}hub/`, {}, seen);
  assert.equal(page.status, 200);
  assert.equal(page.url, `${base}hub/`, 'the ticket is gone from the address');
  assert.match(await whoami(base, { Cookie: visitor.cookie(base) }), /UserDirectory=MODULE; UserId=dee/);

  const used = seen.find((url) => url.includes('qlikTicket='));
  const again = await new Visitor().send(used);
  assert.equal(again.status, 302);
  assert.match(again.headers.location, /targetId=/, 'a ticket counts once');
  await refused(base, { Cookie: visitor.cookie(base).replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')) });
  await refused(`${site.url}`, { Cookie: visitor.cookie(base) }, {}); // a cookie of another virtual proxy
  const nobody = await new Visitor().send(`${base}qps/ticket?xrfkey=${key}`, { method: 'POST', headers: { 'X-Qlik-Xrfkey': key }, body: '{"UserDirectory":"A","UserId":"b"}' });
  assert.ok(nobody.status >= 400, 'tickets are for holders of a certificate');
});

test('OpenID Connect', async () => {
  const back = `${site.url}oidc/oidcauthn`;
  let provider;
  const issuer = await serve((request, response) => provider.callback()(request, response));
  const silent = console.warn; console.warn = () => {}; // it says that it is not for production
  provider = new Provider(issuer, {
    clients: [{ client_id: 'cognate', client_secret: 'hush-hush', redirect_uris: [back], grant_types: ['authorization_code'], response_types: ['code'] }],
    claims: { openid: ['sub'], profile: ['name', 'groups'] }, conformIdTokenClaims: false, cookies: { keys: ['test'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: `Miss ${id}`, groups: ['staff'] }) }),
  });
  console.warn = silent;
  const base = await virtualProxy('oidc', {
    authenticationMethod: 5, oidcConfigurationEndpointUri: `${issuer}/.well-known/openid-configuration`, oidcClientId: 'cognate', oidcClientSecret: 'hush-hush', oidcRealm: 'OPENID',
    oidcAttributeSub: 'sub', oidcAttributeName: 'name', oidcAttributeGroups: 'groups', oidcScope: 'openid profile',
  });
  const visitor = new Visitor(); const seen = [];
  let page = await visitor.visit(`${base}hub/?a=1`, {}, seen);
  page = await visitor.submit(page, { login: 'eve', password: 'any' }, seen); // the provider's own pages: log-in,
  page = await visitor.submit(page, {}, seen); // and consent
  assert.equal(page.status, 200, page.text.slice(0, 400));
  assert.equal(page.url, `${base}hub/?a=1`);
  assert.match(await whoami(base, { Cookie: visitor.cookie(base) }), /UserDirectory=OPENID; UserId=eve/);
  const user = (await qrs.Get("user?filter=userDirectory eq 'OPENID'")).body;
  assert.deepEqual(user.map((u) => u.name), ['Miss eve']);

  const answer = seen.find((url) => url.startsWith(`${base}oidcauthn`));
  assert.equal((await visitor.send(answer)).status, 401, 'an answer counts once');
  assert.equal((await new Visitor().send(answer)).status, 401, 'and in the browser that asked');
  const other = new Visitor(); await other.send(`${base}hub/`);
  assert.equal((await other.send(`${base}oidcauthn?code=x&state=y`)).status, 401);
});

test('SAML 2.0', async () => {
  const pems = await selfsigned.generate([{ name: 'commonName', value: 'idp' }], { keySize: 2048, algorithm: 'sha256' });
  const entity = 'urn:cognate:test';
  let options = {}, asked = '';
  const idp = await serve((request, response) => {
    const at = new URL(request.url, idp);
    asked = at.search.slice(1);
    Object.assign(request, { query: Object.fromEntries(at.searchParams), user: { id: 'flo', displayName: 'Flo', name: { givenName: 'Flo', familyName: 'F' }, emails: [{ value: 'flo@x.example' }] }, originalUrl: request.url, protocol: 'http' });
    Object.assign(response, { set: response.setHeader, status(code) { this.statusCode = code; return this; }, send(text) { this.end(text); } });
    samlp.auth({
      issuer: 'urn:idp', cert: pems.cert, key: pems.private, audience: entity, recipient: `${site.url}saml/samlauthn/`, destination: `${site.url}saml/samlauthn/`,
      getPostURL: (_a, _d, _r, done) => done(null, `${site.url}saml/samlauthn/`), signResponse: true, ...options,
    })(request, response, (error) => { response.statusCode = 500; response.end(String(error)); });
  });
  const metadata = `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:idp"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>${pems.cert.replace(/-----[^-]+-----|\s/g, '')}</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${idp}/sso"/></IDPSSODescriptor></EntityDescriptor>`;
  const base = await virtualProxy('saml', {
    authenticationMethod: 3, samlMetadataIdP: metadata, samlHostUri: site.url.slice(0, -1), samlEntityId: entity,
    samlAttributeUserId: 'subject', samlAttributeUserDirectory: '[SAML]', samlAttributeMap: [{ samlAttribute: 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress', senseAttribute: 'email', isMandatory: true }],
  });
  const [{ id }] = (await qrs.Get("virtualproxyconfig?filter=prefix eq 'saml'")).body;
  const { value: ticket } = (await qrs.Get(`virtualproxyconfig/${id}/generate/samlmetadata`)).body;
  const key = 'abcdefghijklmnop';
  const described = await new Visitor().send(`https://127.0.0.1:${site.repository}/qrs/download/samlmetadata/${ticket}/sp.xml?xrfkey=${key}`, {
    cert: site.file('Certificates', 'client.pem'), key: site.file('Certificates', 'client_key.pem'), headers: { 'X-Qlik-User': 'UserDirectory=Internal;UserId=sa_api', 'X-Qlik-Xrfkey': key },
  });
  assert.match(described.text, new RegExp(`entityID="${entity}"[\\s\\S]*Location="${site.url}saml/samlauthn/"`));
  const own = `-----BEGIN CERTIFICATE-----\n${/<X509Certificate[^>]*>([^<]+)</.exec(described.text)[1].replace(/\s/g, '').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----`;
  const ask = async () => { const visitor = new Visitor(); return [visitor, await visitor.visit(`${base}hub/`)]; };

  const [visitor, form] = await ask();
  assert.match(form.text, /SAMLResponse/, form.text);
  const page = await visitor.submit(form);
  assert.equal(page.status, 200, page.text.slice(0, 400));
  assert.match(await whoami(base, { Cookie: visitor.cookie(base) }), /UserDirectory=SAML; UserId=flo/);

  const [signed, signature] = asked.split('&Signature=');
  assert.match(signed, /^SAMLRequest=[^&]+&RelayState=[^&]+&SigAlg=[^&]+rsa-sha256$/);
  assert.ok(createVerify('RSA-SHA256').update(signed).verify(new X509Certificate(own).publicKey, decodeURIComponent(signature), 'base64'), 'the request is signed by the certificate of the metadata');

  options = { encryptionCert: own, encryptionPublicKey: new X509Certificate(own).publicKey.export({ type: 'spki', format: 'pem' }) };
  const [secretive, sealed] = await ask();
  options = {};
  assert.match(Buffer.from(/name="SAMLResponse"\s+value="([^"]*)"/.exec(sealed.text)[1], 'base64').toString(), /EncryptedAssertion/);
  assert.equal((await secretive.submit(sealed)).status, 200, 'an encrypted assertion');

  assert.equal((await visitor.submit(form)).status, 401, 'an answer counts once');
  const field = (f) => Buffer.from(/name="SAMLResponse"\s+value="([^"]*)"/.exec(f.text)[1], 'base64').toString();
  const wrong = async (why, change, how = {}) => {
    options = how;
    const [someone, sent] = await ask();
    options = {};
    const answer = await someone.submit(sent, { SAMLResponse: Buffer.from(change(field(sent))).toString('base64') });
    assert.equal(answer.status, 401, why);
  };
  await wrong('changed', (xml) => xml.replaceAll('flo', 'bob'));
  await wrong('unsigned', (xml) => xml.replace(/<(\w+:)?Signature[\s\S]*?<\/(\w+:)?Signature>/g, ''));
  await wrong('other audience', (xml) => xml, { audience: 'urn:other' });
  await wrong('expired', (xml) => xml, { lifetimeInSeconds: -3600 });
  const strange = await selfsigned.generate([{ name: 'commonName', value: 'idp' }], { keySize: 2048, algorithm: 'sha256' });
  await wrong('signed by another', (xml) => xml, { cert: strange.cert, key: strange.private });
  await wrong('wrapped', (xml) => { // the signed assertion stays, another one comes first
    const assertion = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml)[0];
    const evil = assertion.replace(/ID="[^"]*"/, 'ID="_evil"').replaceAll('flo', 'admin').replace(/<(ds:)?Signature[\s\S]*?<\/(ds:)?Signature>/, '');
    return xml.replace(assertion, evil + assertion);
  }, { signResponse: false });
  assert.equal((await new Visitor().submit(form)).status, 401, 'an answer that nobody asked for');
});

test('a request of another site changes nothing', async () => {
  const base = `${site.url}head/`;
  const visitor = new Visitor();
  await visitor.send(`${base}hub/`, { headers: { 'X-Person': 'bo' } });
  const answer = await visitor.send(`${base}qps/user?xrfkey=abcdefghijklmnop`, { method: 'DELETE', headers: { 'X-Person': 'bo', 'X-Qlik-Xrfkey': 'abcdefghijklmnop', Origin: 'https://evil.example' } });
  assert.equal(answer.status, 403);
});

test('the audit log says why each of them was refused', () => {
  const reasons = site.file('Log', 'Proxy', 'Audit', `${hostname()}_AuditSecurity_Proxy.txt`).toString();
  for (const reason of [
    'JWT.*is expired', 'JWT.*not valid yet', 'JWT.*invalid audience', 'JWT.*verification error', 'signing method none is invalid', 'signing method HS256 is invalid', 'JWT.*sa_ accounts do not log in',
    'no header X-Person', 'X-Person from 127.0.0.2, which is not trusted', 'header.*sa_ accounts do not log in', 'ticket unknown, over or used', 'OIDC.*unknown, over or used', 'SAML.*unknown, over or used',
    'SAML.*Signature could not be verified', 'SAML.*signature element not present', 'SAML.*AudienceRestriction', 'SAML.*is expired', 'SAML.*against trusted certs', 'SAML.*exactly one Assertion', 'request of another site',
  ]) assert.match(reasons, new RegExp(reason), reason);
});
