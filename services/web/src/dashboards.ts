// What the page shows of an app: made for the sample, made from the fields for others.
import { Api, Layout } from './qix';
import { Spec } from './charts';

export interface Dashboard { fields: string[]; charts: Spec[] }

const flights: Dashboard = {
  fields: ['Quarter', 'Month', 'Weekday', 'Part of day', 'Delay class', 'Distance class', 'Origin region', 'Origin state name', 'Destination state name', 'Origin airport'],
  charts: [
    { kind: 'figures', measures: [
      { expression: 'Count(Delay)', label: 'Flights', format: '#,##0' }, { expression: 'Avg(Delay)', label: 'Average delay, min', format: '#,##0.0' },
      { expression: 'Count({<Punctuality={Late}>} Delay) / Count(Delay)', label: 'Late by more than 15 min', format: '0.0%' }, { expression: 'Count(DISTINCT Origin)', label: 'Airports', format: '#,##0' },
      { expression: 'Sum(Distance)', label: 'Miles', format: '#,##0' }] },
    { kind: 'line', title: 'Flights per day', field: 'Date', measure: { expression: 'Count(Delay)', label: 'Flights', format: '#,##0' } },
    { kind: 'bars', title: 'Delay class', field: 'Delay class', measure: { expression: 'Count(Delay)', label: 'Flights', format: '#,##0' } },
    { kind: 'bars', title: 'Average delay by part of day', field: 'Part of day', measure: { expression: 'Avg(Delay)', label: 'minutes', format: '0.0' } },
    { kind: 'bars', title: 'Busiest origin states', field: 'Origin state name', measure: { expression: 'Count(Delay)', label: 'Flights', format: '#,##0' }, top: 10 },
    { kind: 'bars', title: 'Busiest destinations', field: 'Destination city', measure: { expression: 'Count(Delay)', label: 'Flights', format: '#,##0' }, top: 10 },
    { kind: 'table', title: 'Origin airports', field: 'Origin airport', measures: [
      { expression: 'Count(Delay)', label: 'Flights', format: '#,##0' }, { expression: 'Avg(Delay)', label: 'Average delay', format: '0.0' },
      { expression: 'Count({<Punctuality={Late}>} Delay) / Count(Delay)', label: 'Late', format: '0.0%' }, { expression: 'Avg(Distance)', label: 'Average miles', format: '#,##0' }] },
  ],
};

/** List boxes of the fields with few values, and what can be counted and summed. */
function automatic(items: { qName: string; qCardinal: number; qTags: string[] }[]): Dashboard {
  const quoted = (f: string) => `[${f.replaceAll(']', ']]')}]`;
  const few = items.filter((f) => f.qCardinal > 0).sort((a, b) => a.qCardinal - b.qCardinal);
  const dims = few.filter((f) => f.qCardinal > 1 && f.qCardinal <= 1000);
  // Sums of keys and of points in time say nothing.
  const nums = items.filter((f) => f.qTags.includes('$numeric') && !['$key', '$date', '$timestamp'].some((t) => f.qTags.includes(t)) && !/(^|[ _])id$/i.test(f.qName) && f.qCardinal > 20);
  const measures = [...nums.slice(0, 3).map((f) => ({ expression: `Sum(${quoted(f.qName)})`, label: `Sum of ${f.qName}` })), ...few.slice(-1).map((f) => ({ expression: `Count(${quoted(f.qName)})`, label: `Count of ${f.qName}` }))];
  const charts: Spec[] = measures.length ? [{ kind: 'figures', measures }] : [];
  for (const f of dims.slice(0, 4)) if (measures[0]) charts.push({ kind: 'bars', title: f.qName, field: f.qName, measure: measures[0], top: 10 });
  const last = dims[dims.length - 1];
  if (last && measures.length) charts.push({ kind: 'table', title: last.qName, field: last.qName, measures });
  return { fields: few.slice(0, 10).map((f) => f.qName), charts };
}

/** The dashboard of the open app. */
export async function dashboardOf(doc: Api): Promise<Dashboard> {
  const list = await doc.createSessionObject({ qInfo: { qType: 'page-fields' }, qFieldListDef: {} }) as Api;
  const items = (await list.getLayout() as Layout).qFieldList?.qItems ?? [];
  await doc.destroySessionObject(list.id);
  const names = new Set(items.map((f) => f.qName));
  return flights.fields.every((f) => names.has(f)) ? flights : automatic(items);
}
