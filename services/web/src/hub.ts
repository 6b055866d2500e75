// The hub: the apps of a site that the user may open, by stream.
import { el, say } from './dom';
import { connect } from './qix';
import { api, App, get, send, Stream, upload } from './qrs';
import { theme } from './theme';

const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const fail = (e: unknown): void => { say((e as Error)?.message ?? String(e)); };

const MINE = 'mine'; // the room of what is not published
const MARKED = 'favourites';
let apps: App[] = []; let streams: Stream[] = []; let marked = new Set<string>(); let room = location.hash.slice(1) || MINE;

const may = (a: App, what: string): boolean => a.privileges?.includes(what) ?? false;
const roomOf = (a: App): string => a.stream?.id ?? MINE;
const date = (text?: string | null): string => (text && !text.startsWith('1753') ? new Date(text).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }) : '');

/** A colour of the app's own, for those without a picture. */
function colour(id: string): string {
  let h = 0;
  for (const c of id) h = (h * 31 + c.charCodeAt(0)) % 360;
  return `linear-gradient(135deg, hsl(${h} 45% 42%), hsl(${(h + 50) % 360} 50% 34%))`;
}

async function load(): Promise<void> {
  let favourites: { data: { id: string }[] };
  [apps, streams, favourites] = await Promise.all([
    get<App[]>('/app/hublist/full', { orderby: 'name asc' }), get<Stream[]>('/stream/full', { orderby: 'name asc', privileges: 'true' }), api<{ data: { id: string }[] }>('/hub/v1/apps/favorites'),
  ]);
  marked = new Set(favourites.data.map((a) => a.id));
  show();
}

function show(): void {
  const wanted = byId<HTMLInputElement>('search').value.trim().toLowerCase();
  if (room !== MINE && room !== MARKED && !streams.some((s) => s.id === room)) room = MINE;
  const inRoom = (a: App, id: string): boolean => (id === MARKED ? marked.has(a.id) : roomOf(a) === id);
  const count = (id: string): number => apps.filter((a) => inRoom(a, id)).length;
  const enter = (id: string, name: string): HTMLElement => el('button', { type: 'button', 'aria-current': String(room === id && !wanted), click: () => {
    room = id; history.replaceState(null, '', `#${id}`); byId<HTMLInputElement>('search').value = ''; show();
  } }, name, el('small', {}, String(count(id))));
  byId('streams').replaceChildren(enter(MINE, 'Work'), enter(MARKED, 'Favourites'), el('h2', {}, 'Streams'), ...streams.map((s) => enter(s.id, s.name)));
  const shown = apps.filter((a) => (wanted ? `${a.name} ${a.description ?? ''}`.toLowerCase().includes(wanted) : inRoom(a, room)));
  byId('heading').textContent = wanted ? `${shown.length} found` : streams.find((s) => s.id === room)?.name ?? (room === MARKED ? 'Favourites' : 'Work');
  byId('apps').replaceChildren(...shown.map(card));
  const none = byId('none');
  none.hidden = shown.length > 0;
  none.textContent = wanted ? 'No app has that in its name or description.' : room === MINE ? 'Nothing here yet. Drop the file of an app into the page, or import one.' : room === MARKED ? 'Mark an app with its star, and it is here.' : 'Nothing is published here yet.';
}

function card(a: App): HTMLElement {
  const url = `../sense/?app=${encodeURIComponent(a.id)}`;
  const picture = el('a', { class: 'picture', href: url, 'aria-label': `Open ${a.name}` });
  if (a.thumbnail?.startsWith('/')) picture.style.backgroundImage = `url("..${encodeURI(decodeURI(a.thumbnail))}")`; // below the prefix that we are below
  else { picture.style.background = colour(a.id); picture.textContent = [...a.name.trim()][0]?.toUpperCase() ?? '?'; }
  const loaded = date(a.lastReloadTime);
  const text = el('div', { class: 'text' }, el('h3', {}, el('a', { href: url }, a.name)));
  if (a.description) text.append(el('p', {}, a.description));
  text.append(el('p', {}, [a.owner?.name || a.owner?.userId, loaded && `data of ${loaded}`].filter(Boolean).join(' · ')));
  const node = el('li', { class: 'card app', 'data-id': a.id }, picture, star(a), text);
  const buttons: HTMLElement[] = [];
  const button = (label: string, f: () => Promise<void>): void => { buttons.push(el('button', { type: 'button', click: () => { busy(node, f).catch(fail); } }, label)); };
  if (may(a, 'update')) button('Reload', () => reload(a, node));
  if (may(a, 'publish') && !a.published) button('Publish', () => publish(a));
  if (may(a, 'duplicate')) button('Duplicate', () => duplicate(a));
  if (may(a, 'delete')) button('Delete', () => remove(a));
  if (buttons.length) node.append(el('footer', {}, ...buttons));
  return node;
}

/** Marks an app as a favourite, or takes the mark away. */
function star(a: App): HTMLElement {
  const on = marked.has(a.id);
  const node = el('button', { type: 'button', class: 'star', 'aria-pressed': String(on), 'aria-label': `Favourite: ${a.name}`, title: on ? 'No favourite any more' : 'Make it a favourite', click: () => {
    send(on ? 'DELETE' : 'PUT', `/user/favorites/${a.id}`).then(() => { if (on) marked.delete(a.id); else marked.add(a.id); show(); }).catch(fail);
  } }, on ? '★' : '☆');
  return node;
}

async function busy(node: HTMLElement, f: () => Promise<void>): Promise<void> {
  node.setAttribute('aria-busy', 'true');
  try { await f(); } finally { node.removeAttribute('aria-busy'); }
}

/** Reloads over the engine's socket, which tells how far the script is. */
async function reload(a: App, node: HTMLElement): Promise<void> {
  const bar = el('progress', {}); const line = el('p', {}, 'Reloading …');
  node.querySelector('.text')!.append(line, bar);
  const global = await connect(a.id, () => {});
  try {
    const doc = await global.openDoc(a.id);
    const watch = setInterval(() => { void global.getProgress(0).then((p: { qPersistentProgress?: string; qTransientProgress?: string }) => {
      line.textContent = p.qTransientProgress || p.qPersistentProgress?.trim().split('\n').pop() || line.textContent;
    }).catch(() => {}); }, 500);
    try {
      if (!await doc.doReload()) {
        const p = await global.getProgress(0) as { qErrorData?: { qErrorString: string }[] };
        throw new Error(p.qErrorData?.[0]?.qErrorString ?? 'The script failed.');
      }
      await doc.doSave();
    } finally { clearInterval(watch); }
  } finally { global.session?.close?.(); line.remove(); bar.remove(); }
  say(`${a.name} has new data.`);
  await load();
}

/** Asks in a dialog; undefined means no. */
function ask(title: string, text: string, go: string, input?: HTMLInputElement | HTMLSelectElement, label = ''): Promise<string | undefined> {
  const dialog = byId<HTMLDialogElement>('ask');
  dialog.querySelector('h3')!.textContent = title; dialog.querySelector('p')!.textContent = text; dialog.querySelector('.go')!.textContent = go;
  dialog.querySelector('label')!.replaceChildren(...(input ? [label, input] : []));
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => { dialog.addEventListener('close', () => { resolve(dialog.returnValue === 'ok' ? input?.value ?? '' : undefined); }, { once: true }); });
}

async function publish(a: App): Promise<void> {
  const open = streams.filter((s) => s.privileges?.includes('publish'));
  if (!open.length) { say('There is no stream that you may publish to.'); return; }
  const picker = el('select', {}, ...open.map((s) => el('option', { value: s.id }, s.name)));
  const stream = await ask(`Publish ${a.name}`, 'Everyone who may read the stream will see the app.', 'Publish', picker, 'Stream');
  if (stream === undefined) return;
  await send('PUT', `/app/${a.id}/publish`, { stream, name: a.name });
  say(`${a.name} is published.`);
  await load();
}

async function duplicate(a: App): Promise<void> {
  const name = await ask(`Duplicate ${a.name}`, '', 'Duplicate', el('input', { value: `${a.name} (copy)`, required: true, maxlength: 255 }), 'Name');
  if (!name) return;
  await send('POST', `/app/${a.id}/copy`, { name });
  room = MINE;
  await load();
}

async function remove(a: App): Promise<void> {
  if (await ask(`Delete ${a.name}?`, 'Its data and sheets are lost for everyone.', 'Delete') === undefined) return;
  await send('DELETE', `/app/${a.id}`);
  await load();
}

async function take(files: Iterable<File>): Promise<void> {
  for (const file of files) {
    const name = file.name.replace(/\.qvf$/i, '');
    say(`Importing ${name} …`, true);
    try { // one after the other, so that a failure does not stop the rest
      await upload(file, name, (share) => { say(`Importing ${name}: ${Math.round(share * 100)} %`, true); });
      say(`${name} is imported.`);
    } catch (e) { fail(e); }
  }
  room = MINE;
  await load();
}

function drops(): void {
  const drop = byId('drop'); let depth = 0;
  const files = (e: DragEvent): boolean => e.dataTransfer?.types.includes('Files') ?? false;
  addEventListener('dragenter', (e) => { if (files(e)) { depth += 1; drop.hidden = false; } });
  addEventListener('dragleave', () => { depth = Math.max(0, depth - 1); drop.hidden = depth === 0; });
  addEventListener('dragover', (e) => { if (files(e)) e.preventDefault(); });
  addEventListener('drop', (e) => {
    depth = 0; drop.hidden = true;
    if (files(e)) { e.preventDefault(); void take(e.dataTransfer!.files); }
  });
  byId('import').querySelector('input')!.addEventListener('change', (e) => { const input = e.target as HTMLInputElement; void take([...input.files ?? []]).then(() => { input.value = ''; }); });
}

async function main(): Promise<void> {
  theme();
  drops();
  byId('search').addEventListener('input', show);
  const me = await (await fetch('../qps/user?targetUri=hub/')).json() as { userName?: string; userId?: string; userDirectory?: string; logoutUri?: string };
  byId('user').textContent = me.userName || me.userId || ''; byId('user').title = `${me.userDirectory}\\${me.userId}`;
  byId('logout').addEventListener('click', () => { void fetch('../qps/user', { method: 'DELETE' }).then(() => location.assign(me.logoutUri ?? '../hub/')); });
  await load();
  document.body.dataset.ready = 'true'; // tests wait for it
}

main().catch(fail);
