// The page: opens an app and shows its list boxes, selections and charts.
import { Api, connect } from './qix';
import { dashboardOf } from './dashboards';
import { addListBox } from './listbox';
import { addSelections } from './selections';
import { addChart } from './charts';
import { el, say } from './dom';
import { theme } from './theme';

const byId = (id: string) => document.getElementById(id)!;
const fail = (e: unknown): void => {
  const err = e as { code?: number; message?: string };
  if (err?.code === 15) return; // aborted: a newer state is on its way
  say(err?.message ?? String(e));
};

async function main(): Promise<void> {
  theme();
  const global = await connect('engineData', (why) => { if (why) say(`${why} Reload the page to come back.`, true); });
  const apps = await global.getDocList() as { qDocId: string; qTitle: string }[];
  const wanted = new URLSearchParams(location.search).get('app');
  const app = apps.find((a) => a.qDocId === wanted) ?? apps.find((a) => a.qTitle === wanted) ?? apps[0];
  if (!app) { say('There are no apps yet. Start the server with --sample, or create one over QIX.', true); return; }
  const picker = byId('apps') as HTMLSelectElement;
  picker.append(...apps.map((a) => el('option', { value: a.qDocId, selected: a === app }, a.qTitle)));
  picker.addEventListener('change', () => { location.search = `?app=${encodeURIComponent(picker.value)}`; });
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
}

main().catch((e: unknown) => say((e as { message?: string })?.message ?? String(e), true));
