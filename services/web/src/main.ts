// The page: opens an app and shows its list boxes, selections and charts.
import { Api, connect } from './qix';
import { dashboardOf } from './dashboards';
import { addListBox } from './listbox';
import { addSelections } from './selections';
import { addChart } from './charts';
import { comeBack, isBack } from './comeback';
import { el, say, sayLast } from './dom';
import { theme } from './theme';

const byId = (id: string) => document.getElementById(id)!;
const fail = (e: unknown): void => {
  const err = e as { code?: number; message?: string };
  if (err?.code === 15) return; // aborted: a newer state is on its way
  say(err?.message ?? String(e));
};

interface App { qDocId: string; qTitle: string }
const search = (id: string) => `?app=${encodeURIComponent(id)}`;

/** Fills the picker, and finds the app of an id or else a title; the first one for ''. */
function pick(apps: App[], wanted: string): App | undefined {
  const app = wanted ? apps.find((a) => a.qDocId === wanted) ?? apps.find((a) => a.qTitle === wanted) : apps[0];
  const picker = byId('apps') as HTMLSelectElement;
  if (!app) picker.append(el('option', { disabled: true, selected: true }, ''));
  picker.append(...apps.map((a) => el('option', { value: a.qDocId, selected: a === app }, a.qTitle)));
  picker.addEventListener('change', () => { location.search = search(picker.value); });
  return app;
}

async function main(): Promise<void> {
  theme();
  const wanted = new URLSearchParams(location.search).get('app') ?? '';
  const global = await connect(wanted, (why) => {
    if (!why) return;
    sayLast(`${why} Trying to come back …`);
    void comeBack();
  });
  const apps = await global.getDocList() as App[];
  if (!apps.length) { sayLast('There are no apps yet. Start the server with --sample, or create one over QIX.'); return; }
  const app = pick(apps, wanted);
  if (!app) { sayLast(`There is no app ${wanted} that you may open. Choose another one.`); return; }
  if (app.qDocId !== wanted) { location.replace(search(app.qDocId)); return; } // so that the address, and the session, are those of the app
  const doc = await global.openDoc(app.qDocId) as Api;
  const info = await doc.getAppLayout() as { qTitle: string; qLastReloadTime: string };
  byId('title').textContent = info.qTitle; document.title = `${info.qTitle} · Cognate`;
  if (info.qLastReloadTime) byId('loaded').textContent = `Data of ${new Date(info.qLastReloadTime).toLocaleString()}`;
  const board = await dashboardOf(doc);
  await addSelections(doc, byId('selections'), fail);
  await Promise.all([
    ...board.charts.map((c) => addChart(doc, byId('charts'), c, fail)), ...board.fields.map((f) => addListBox(doc, byId('lists'), f, fail)),
  ]);
  document.body.dataset.ready = 'true'; // tests wait for it
  isBack();
}

main().catch((e: unknown) => sayLast((e as { message?: string })?.message ?? String(e)));
