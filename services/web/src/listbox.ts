// A list box: the values of a field with their states, searched and selected live.
import { Api, Cell, Layout, ListObject, dimension, live } from './qix';
import { el, padlock } from './dom';

const ROW = 26; // height of a value in pixels
const CHUNK = 60; // rows of a page
const PATH = '/qListObjectDef';
const NAMES: Record<string, string> = { S: 'selected', L: 'locked', O: 'possible', A: 'alternative', X: 'excluded', XS: 'selected, but excluded', XL: 'locked, but excluded' };

/** Text of a cell with the parts that a search found marked. */
function marked(cell: Cell): (Node | string)[] {
  const out: (Node | string)[] = []; let at = 0;
  for (const r of cell.qHighlightRanges?.qRanges ?? []) {
    out.push(cell.qText.slice(at, r.qCharPos), el('mark', {}, cell.qText.slice(r.qCharPos, r.qCharPos + r.qCharCount)));
    at = r.qCharPos + r.qCharCount;
  }
  out.push(cell.qText.slice(at));
  return out;
}

class ListBox {
  private space = el('div', { class: 'space' });
  private rows = el('div', { class: 'rows', role: 'listbox', 'aria-multiselectable': 'true' }, this.space);
  private meter = el('div', { class: 'meter', 'aria-hidden': 'true' });
  private search: HTMLInputElement;
  private lock: HTMLButtonElement;
  private clear: HTMLButtonElement;
  private object?: Api;
  private size = 0;
  private version = 0; // of the layout: pages of an older one are not drawn
  private pages = new Map<number, Cell[][]>();
  readonly card: HTMLElement;

  constructor(field: string, private fail: (e: unknown) => void) {
    this.search = el('input', { type: 'search', placeholder: 'Search', 'aria-label': `Search in ${field}`, input: () => this.find(), keydown: (e: KeyboardEvent) => this.key(e) });
    this.lock = el('button', { type: 'button', title: 'Lock or unlock', 'aria-label': `Lock ${field}`, click: () => this.toggleLock() }, padlock(false));
    this.clear = el('button', { type: 'button', title: 'Clear', 'aria-label': `Clear ${field}`, click: () => this.run((o) => o.clearSelections(PATH)) }, '×');
    this.card = el('section', { class: 'card listbox', 'data-field': field }, el('h2', {}, el('span', { class: 'grow' }, field), this.lock, this.clear), this.meter, this.search, this.rows);
    this.rows.addEventListener('scroll', () => { void this.show(); }, { passive: true });
  }

  async draw(layout: Layout, object: Api): Promise<void> {
    const list = layout.qListObject as ListObject;
    this.object = object; this.size = list.qSize.qcy; this.version += 1;
    this.pages = new Map(list.qDataPages[0] ? [[0, list.qDataPages[0].qMatrix]] : []);
    this.lock.replaceChildren(padlock(!!list.qDimensionInfo.qLocked)); this.lock.dataset.locked = String(!!list.qDimensionInfo.qLocked);
    this.space.style.height = `${this.size * ROW}px`;
    this.rows.style.height = `${Math.min(7, Math.max(1, this.size)) * ROW + 2}px`;
    this.count(list.qDimensionInfo.qStateCounts ?? {});
    await this.show();
  }

  /** The thin line above the values: how many are selected, possible, excluded. */
  private count(n: Record<string, number>): void {
    const part = (kind: string, count: number) => el('i', { class: kind, style: `flex:${count}` });
    const s = (n.qSelected ?? 0) + (n.qLocked ?? 0); const x = (n.qExcluded ?? 0) + (n.qSelectedExcluded ?? 0) + (n.qLockedExcluded ?? 0);
    this.clear.disabled = s + (n.qSelectedExcluded ?? 0) + (n.qLockedExcluded ?? 0) === 0; this.lock.disabled = this.clear.disabled;
    this.meter.replaceChildren(part('s', s), part('o', n.qOption ?? 0), part('a', n.qAlternative ?? 0), part('x', x));
  }

  /** Draws the values in view; pages that are missing are fetched first. */
  private async show(): Promise<void> {
    const lo = Math.floor(this.rows.scrollTop / ROW); const hi = Math.min(this.size, lo + 10); const { version } = this;
    for (let p = Math.floor(lo / CHUNK); p <= Math.floor(Math.max(lo, hi - 1) / CHUNK); p += 1) {
      if (!this.pages.has(p) && p * CHUNK < this.size) {
        this.pages.set(p, []);
        try {
          const [page] = await this.object!.getListObjectData(PATH, [{ qTop: p * CHUNK, qLeft: 0, qWidth: 1, qHeight: CHUNK }]);
          if (version !== this.version) return;
          this.pages.set(p, page.qMatrix);
        } catch (e) { this.pages.delete(p); this.fail(e); return; }
      }
    }
    const shown: HTMLElement[] = [];
    for (let i = lo; i < hi; i += 1) {
      const cell = this.pages.get(Math.floor(i / CHUNK))?.[i % CHUNK]?.[0];
      if (cell) shown.push(this.value(cell, i));
    }
    this.space.replaceChildren(...shown);
  }

  private value(cell: Cell, i: number): HTMLElement {
    const pick = () => this.run((o) => o.selectListObjectValues(PATH, [cell.qElemNumber], true));
    return el('div', {
      class: `value ${cell.qState}`, role: 'option', tabindex: 0, style: `top:${i * ROW}px`, 'aria-selected': String('SLXSXL'.includes(cell.qState) && cell.qState !== 'X'),
      title: `${cell.qText}: ${NAMES[cell.qState] ?? ''}`, click: pick,
      keydown: (e: KeyboardEvent) => { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); pick(); } },
    }, ...marked(cell));
  }

  private run(f: (o: Api) => Promise<unknown>): void { if (this.object) f(this.object).catch(this.fail); }

  private find(): void { const t = this.search.value; this.run((o) => (t ? o.searchListObjectFor(PATH, t) : o.abortListObjectSearch(PATH))); }

  private key(e: KeyboardEvent): void {
    if (e.key === 'Enter' && this.search.value) { this.run((o) => o.acceptListObjectSearch(PATH, false)); this.search.value = ''; }
    if (e.key === 'Escape') { this.search.value = ''; this.run((o) => o.abortListObjectSearch(PATH)); }
  }

  private toggleLock(): void { this.run((o) => (this.lock.dataset.locked === 'true' ? o.unlock(PATH) : o.lock(PATH))); }
}

/** Adds a list box of a field to the page. */
export async function addListBox(doc: Api, parent: Element, field: string, fail: (e: unknown) => void): Promise<void> {
  const box = new ListBox(field, fail);
  parent.append(box.card);
  await live(doc, {
    qInfo: { qId: `page-listbox-${field}`, qType: 'page-listbox' },
    qListObjectDef: { qDef: dimension(`[${field.replaceAll(']', ']]')}]`, { qSortByState: 1, qSortByNumeric: 1, qSortByAscii: 1 }).qDef, qShowAlternatives: true, qInitialDataFetch: [{ qTop: 0, qLeft: 0, qWidth: 1, qHeight: CHUNK }] },
  }, (layout, object) => box.draw(layout, object), fail);
}
