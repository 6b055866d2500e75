// The charts: figures, bars, a line over time and a table. Each draws one hypercube and selects in it.
import { Api, Cell, HyperCube, Layout, dimension, live, measure, number } from './qix';
import { el, press, showTip, svg } from './dom';

export interface MeasureSpec { expression: string; label: string; format?: string }
export type Spec =
  | { kind: 'figures'; measures: MeasureSpec[] }
  | { kind: 'bars' | 'line'; title: string; field: string; measure: MeasureSpec; top?: number }
  | { kind: 'table'; title: string; field: string; measures: MeasureSpec[] };

type Fail = (e: unknown) => void;
const PATH = '/qHyperCubeDef';
const quoted = (field: string) => `[${field.replaceAll(']', ']]')}]`;
const short = (x: number) => new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(x);
const isOn = (c: Cell) => (c.qState === 'S' || c.qState === 'L' ? c.qState : '');

function cubeOf(layout: Layout): HyperCube {
  const cube = layout.qHyperCube!;
  if (cube.qError) throw new Error(`chart error ${cube.qError.qErrorCode} ${cube.qError.qContext ?? ''}`);
  return cube;
}

async function figures(doc: Api, parent: Element, spec: Spec & { kind: 'figures' }, fail: Fail): Promise<void> {
  const cells = spec.measures.map((m) => el('div', { class: 'kpi', 'data-kpi': m.label }, el('span', {}, m.label), el('strong', {}, '–')));
  parent.append(el('section', { class: 'card wide kpis' }, ...cells));
  await live(doc, cubeProps(spec, [], spec.measures, 1, {}), (layout) => {
    cubeOf(layout).qGrandTotalRow.forEach((c, i) => { cells[i]!.querySelector('strong')!.textContent = c.qText; });
  }, fail);
}

function cubeProps(spec: Spec, fields: string[], measures: MeasureSpec[], height: number, sort: { byMeasure?: boolean }): object {
  const dims = fields.map((f) => dimension(quoted(f)));
  const meas = measures.map((m, i) => measure(m.expression, m.label, m.format, sort.byMeasure && i === 0 ? { qSortByNumeric: -1 } : {}));
  const columns = [...Array(dims.length + meas.length).keys()];
  return {
    qInfo: { qId: `page-${spec.kind}-${'title' in spec ? spec.title : ''}`, qType: 'page-chart' },
    qHyperCubeDef: {
      qDimensions: dims, qMeasures: meas, qInterColumnSortOrder: sort.byMeasure ? [dims.length, ...columns.filter((i) => i !== dims.length)] : columns,
      qInitialDataFetch: [{ qTop: 0, qLeft: 0, qWidth: columns.length, qHeight: height }], qSuppressZero: false, qSuppressMissing: true,
    },
  };
}

const select = (object: Api, cells: Cell[], toggle: boolean, fail: Fail) => { object.selectHyperCubeValues(PATH, 0, cells.map((c) => c.qElemNumber), toggle).catch(fail); };

async function bars(doc: Api, parent: Element, spec: Spec & { kind: 'bars' }, fail: Fail): Promise<void> {
  const note = el('small', {}); const body = el('div');
  parent.append(el('section', { class: 'card', 'data-chart': spec.title }, el('h2', {}, spec.title, note), body));
  const rows = spec.top ?? 12;
  await live(doc, cubeProps(spec, [spec.field], [spec.measure], rows, { byMeasure: spec.top !== undefined }), (layout, object) => {
    const cube = cubeOf(layout); const data = cube.qDataPages[0]?.qMatrix ?? [];
    note.textContent = cube.qSize.qcy > data.length ? `${data.length} of ${cube.qSize.qcy}` : spec.measure.label;
    const width = 460; const row = 26; const left = 150; const max = Math.max(1e-9, ...data.map((r) => Math.abs(number(r[1])) || 0));
    body.replaceChildren(svg('svg', { viewBox: `0 0 ${width} ${Math.max(1, data.length) * row}`, role: 'img', 'aria-label': spec.title }, ...data.map((r, i) => {
      const [d, m] = r as [Cell, Cell]; const w = Math.max(1, ((width - left - 70) * (Math.abs(number(m)) || 0)) / max);
      const name = d.qText.length > 21 ? `${d.qText.slice(0, 20)}…` : d.qText;
      const value = m.qText.length > 9 && Number.isFinite(number(m)) ? short(number(m)) : m.qText; // the tip has it in full
      return svg('g', {
        class: `bar ${isOn(d)}`, transform: `translate(0 ${i * row})`, 'data-value': d.qText, 'aria-label': `${d.qText}: ${m.qText}`, ...press(() => { showTip(''); select(object, [d], true, fail); }),
        mousemove: (e: MouseEvent) => showTip(`${d.qText}: ${m.qText}`, e), mouseleave: () => showTip(''),
      }, svg('rect', { class: 'hit', width, height: row, style: 'fill:transparent' }), svg('text', { class: 'name', x: left - 8, y: 17, 'text-anchor': 'end' }, name),
      svg('rect', { x: left, y: 4, width: w, height: row - 8, rx: 3 }), svg('text', { class: 'value-text', x: left + w + 6, y: 17 }, value));
    })));
  }, fail);
}

async function line(doc: Api, parent: Element, spec: Spec & { kind: 'line' }, fail: Fail): Promise<void> {
  const body = el('div');
  parent.append(el('section', { class: 'card wide', 'data-chart': spec.title }, el('h2', {}, spec.title, el('small', {}, 'drag to select a range')), body));
  await live(doc, cubeProps(spec, [spec.field], [spec.measure], 1000, {}), (layout, object) => {
    const data = (cubeOf(layout).qDataPages[0]?.qMatrix ?? []) as [Cell, Cell][];
    body.replaceChildren(lineChart(data, spec, Math.max(280, body.clientWidth), (from, to) => select(object, data.slice(from, to + 1).map((r) => r[0]), false, fail)));
  }, fail);
}

/** Draws the points, an area below them, and lets a range be dragged. */
function lineChart(data: [Cell, Cell][], spec: { title: string }, width: number, pick: (from: number, to: number) => void): SVGElement {
  const height = 220; const left = 54; const bottom = 24; const top = 10;
  const ys = data.map((r) => number(r[1])).filter(Number.isFinite); const hi = Math.max(0, ...ys); const lo = Math.min(0, ...ys); const span = hi - lo || 1;
  const x = (i: number) => left + (data.length < 2 ? (width - left) / 2 : (i * (width - left - 12)) / (data.length - 1));
  const y = (v: number) => top + ((hi - v) * (height - top - bottom)) / span;
  const points = data.map((r, i) => [x(i), y(number(r[1]) || 0)] as const);
  const path = points.map(([px, py], i) => `${i ? 'L' : 'M'}${px.toFixed(1)} ${py.toFixed(1)}`).join('');
  const brush = svg('rect', { class: 'brush', y: top, height: height - top - bottom, width: 0 });
  const root = svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': spec.title }) as SVGSVGElement;
  const at = (e: MouseEvent) => {
    const box = root.getBoundingClientRect(); const px = ((e.clientX - box.left) / box.width) * width;
    return Math.max(0, Math.min(data.length - 1, Math.round(((px - left) / Math.max(1, width - left - 12)) * (data.length - 1))));
  };
  let from = -1;
  const grid = [0, 0.5, 1].map((k) => lo + k * span);
  root.append(
    ...grid.flatMap((v) => [svg('line', { class: 'axis', x1: left, x2: width, y1: y(v), y2: y(v) }), svg('text', { x: left - 6, y: y(v) + 4, 'text-anchor': 'end' }, short(v))]),
    svg('path', { class: 'area', d: points.length ? `${path}L${x(data.length - 1)} ${y(lo)}L${x(0)} ${y(lo)}Z` : '' }), svg('path', { class: 'series', d: path }),
    ...(data.length <= 120 ? points.map(([px, py], i) => svg('circle', { class: `dot ${isOn(data[i]![0])}`, cx: px, cy: py, r: 3 })) : []),
    ...labels(data.length, Math.max(2, Math.floor(width / 110))).map((i) => svg('text', { x: x(i), y: height - 6, 'text-anchor': x(i) > width - 40 ? 'end' : 'middle' }, data[i]![0].qText)), brush,
    svg('rect', {
      class: 'hit', x: left, y: 0, width: width - left, height,
      pointerdown: (e: PointerEvent) => { from = at(e); (e.target as Element).setPointerCapture(e.pointerId); },
      pointermove: (e: PointerEvent) => {
        if (!data.length) return;
        const i = at(e); showTip(`${data[i]![0].qText}: ${data[i]![1].qText}`, e);
        if (from >= 0) { brush.setAttribute('x', String(Math.min(x(from), x(i)))); brush.setAttribute('width', String(Math.abs(x(i) - x(from)))); }
      },
      pointerup: (e: PointerEvent) => { if (from >= 0) { const i = at(e); pick(Math.min(from, i), Math.max(from, i)); } from = -1; showTip(''); },
      pointercancel: () => { from = -1; brush.setAttribute('width', '0'); }, pointerleave: () => showTip(''),
    }),
  );
  return root;
}

/** Up to max positions, evenly over n. */
const labels = (n: number, max: number) => [...new Set(Array.from({ length: Math.min(n, max) }, (_, k) => Math.round((k * (n - 1)) / Math.max(1, Math.min(n, max) - 1))))];

async function table(doc: Api, parent: Element, spec: Spec & { kind: 'table' }, fail: Fail): Promise<void> {
  const note = el('small', {}); const head = el('thead'); const rows = el('tbody'); const foot = el('tfoot');
  const box = el('div', { class: 'tablebox', tabindex: 0 }, el('table', {}, head, rows, foot));
  parent.append(el('section', { class: 'card wide', 'data-chart': spec.title }, el('h2', {}, spec.title, note), box));
  let object: Api | undefined; let size = 0; let loading = false; let version = 0; const width = 1 + spec.measures.length;
  const add = (matrix: Cell[][]) => rows.append(...matrix.map((r) => el('tr', {}, ...r.map((c, i) => (i ? el('td', { class: 'n' }, c.qText)
    : el('td', { class: `dim ${isOn(c)}`, click: () => select(object!, [c], true, fail) }, c.qText))))));
  box.addEventListener('scroll', async () => {
    if (loading || !object || rows.children.length >= size || box.scrollTop + box.clientHeight < box.scrollHeight - 200) return;
    loading = true; const mine = version;
    try {
      const [page] = await object.getHyperCubeData(PATH, [{ qTop: rows.children.length, qLeft: 0, qWidth: width, qHeight: 100 }]);
      if (mine === version) add(page.qMatrix);
    } catch (e) { fail(e); } finally { loading = false; }
  }, { passive: true });
  await live(doc, cubeProps(spec, [spec.field], spec.measures, 60, { byMeasure: true }), (layout, o) => {
    const cube = cubeOf(layout); object = o; size = cube.qSize.qcy; version += 1;
    note.textContent = `${size} rows`;
    head.replaceChildren(el('tr', {}, ...[...cube.qDimensionInfo, ...cube.qMeasureInfo].map((c, i) => el('th', { class: i ? 'n' : '', scope: 'col' }, c.qFallbackTitle))));
    foot.replaceChildren(el('tr', {}, el('td', {}, 'Total'), ...cube.qGrandTotalRow.map((c) => el('td', { class: 'n' }, c.qText))));
    rows.replaceChildren(); add(cube.qDataPages[0]?.qMatrix ?? []);
  }, fail);
}

/** Adds a chart to the page. */
export function addChart(doc: Api, parent: Element, spec: Spec, fail: Fail): Promise<void> {
  switch (spec.kind) {
    case 'figures': return figures(doc, parent, spec, fail);
    case 'bars': return bars(doc, parent, spec as Spec & { kind: 'bars' }, fail);
    case 'line': return line(doc, parent, spec as Spec & { kind: 'line' }, fail);
    default: return table(doc, parent, spec, fail);
  }
}
