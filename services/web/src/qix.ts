// The connection to the engine: enigma.js with the few types that the page needs.
import enigma from 'enigma.js';
import schema from 'enigma.js/schemas/12.2027.0.json';

export interface Cell { qText: string; qNum: number | 'NaN'; qElemNumber: number; qState: string; qIsNull?: boolean; qHighlightRanges?: { qRanges: { qCharPos: number; qCharCount: number }[] } }
export interface Page { qMatrix: Cell[][] }
export interface Info { qFallbackTitle: string; qMin: number; qMax: number; qError?: { qErrorCode: number }; qStateCounts?: Record<string, number>; qLocked?: boolean }
export interface HyperCube { qSize: { qcx: number; qcy: number }; qDimensionInfo: Info[]; qMeasureInfo: Info[]; qDataPages: Page[]; qGrandTotalRow: Cell[]; qError?: { qErrorCode: number; qContext?: string } }
export interface ListObject { qSize: { qcx: number; qcy: number }; qDimensionInfo: Info; qDataPages: Page[] }
export interface Selection { qField: string; qSelected: string; qLocked: boolean; qOneAndOnlyOne: boolean }
export interface Layout { qHyperCube?: HyperCube; qListObject?: ListObject; qSelectionObject?: { qBackCount: number; qForwardCount: number; qSelections: Selection[] }; qFieldList?: { qItems: { qName: string; qCardinal: number; qTags: string[] }[] } }
export interface Api {
  id: string; handle: number;
  on(event: 'changed' | 'closed', f: () => void): void;
  [method: string]: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- the schema's methods
}

const KEEP = 120; // seconds that the engine keeps a session, and its selections, for a tab that comes back

/** The name of this tab's session with an app. */
function identity(app: string): string {
  const key = `session ${app}`; const name = sessionStorage.getItem(key) ?? Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join('-');
  sessionStorage.setItem(key, name);
  return name;
}

/** Opens a socket of the page's own server, for an app if its id is known, and returns the engine's Global. */
export async function connect(app: string, onGone: (why: string) => void): Promise<Api> {
  const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/app/${encodeURIComponent(app || 'engineData')}/identity/${identity(app)}/ttl/${KEEP}`;
  const session = enigma.create({ schema, url, createSocket: (u: string) => new WebSocket(u), protocol: { delta: true } });
  session.on('closed', (e: { code?: number }) => onGone(e?.code === 1000 ? '' : 'The connection to the engine is closed.'));
  return await session.open() as Api;
}

/** Creates a session object, or takes it over from the tab's session of before, and calls draw with its layout, now and after every change. */
export async function live(doc: Api, props: object, draw: (layout: Layout, object: Api) => void | Promise<void>, fail: (e: unknown) => void): Promise<Api> {
  const object = await doc.createSessionObject(props) as Api;
  let running = false; let again = false;
  const refresh = async (): Promise<void> => {
    if (running) { again = true; return; } // the newest state wins; what is between is not drawn
    running = true;
    try {
      do { again = false; await draw(await object.getLayout() as Layout, object); } while (again);
    } catch (e) { fail(e); } finally { running = false; }
  };
  object.on('changed', () => { void refresh(); });
  await refresh();
  return object;
}

export const dimension = (field: string, sort: object = { qSortByNumeric: 1, qSortByAscii: 1 }) => ({ qDef: { qFieldDefs: [field], qSortCriterias: [sort] }, qNullSuppression: true });
export const measure = (expression: string, label: string, format?: string, sort: object = {}) => ({
  qDef: { qDef: expression, qLabel: label, ...(format ? { qNumFormat: { qType: 'F', qnDec: 2, qUseThou: 1, qFmt: format, qDec: '.', qThou: ',' } } : {}) }, qSortBy: sort,
});
export const number = (c: Cell | undefined): number => (c && typeof c.qNum === 'number' ? c.qNum : NaN);
