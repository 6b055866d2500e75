// Small helpers for elements.
type Attributes = Record<string, string | number | boolean | ((e: any) => void) | undefined>; // eslint-disable-line @typescript-eslint/no-explicit-any

function fill(node: Element, attributes: Attributes, children: (Node | string)[]): void {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(key, value as EventListener);
    else if (value === true) node.setAttribute(key, '');
    else if (value !== undefined && value !== false) node.setAttribute(key, String(value));
  }
  node.append(...children);
}

/** An HTML element with attributes, listeners and children. Text is never taken as markup. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  fill(node, attributes, children);
  return node;
}

/** The same for SVG. */
export function svg(tag: string, attributes: Attributes = {}, ...children: (Node | string)[]): SVGElement {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  fill(node, attributes, children);
  return node;
}

/** A padlock, shut or open; fonts often have none. */
export const padlock = (shut: boolean): SVGElement => svg('svg', { class: 'padlock', viewBox: '0 0 16 16', 'aria-hidden': 'true' },
  svg('rect', { x: 3, y: 7, width: 10, height: 7, rx: 1.5, fill: 'currentColor' }),
  svg('path', { d: shut ? 'M5 7V5a3 3 0 0 1 6 0v2' : 'M5 7V4.5a3 3 0 0 1 5.8-1', fill: 'none', stroke: 'currentColor', 'stroke-width': 1.6 }));

/** Calls f for a click and for Enter or the space bar. */
export const press = (f: () => void): Attributes => ({
  tabindex: 0, role: 'button', click: f,
  keydown: (e: KeyboardEvent) => { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); f(); } },
});

let tip: HTMLElement | undefined;
/** Shows a text beside the pointer; '' hides it. */
export function showTip(text: string, e?: MouseEvent): void {
  if (!text || !e) { tip?.remove(); tip = undefined; return; }
  if (!tip) { tip = el('div', { class: 'tip' }); document.body.append(tip); }
  tip.textContent = text; tip.style.left = `${e.clientX}px`; tip.style.top = `${e.clientY}px`;
}

let hide: ReturnType<typeof setTimeout> | undefined; let last = false;
/** Shows a message for some seconds, or until the next one. */
export function say(text: string, forever = false): void {
  if (last) return;
  const p = document.getElementById('message')!;
  p.textContent = text; p.hidden = !text;
  clearTimeout(hide);
  if (text && !forever) hide = setTimeout(() => { p.hidden = true; }, 6000);
}

/** Shows a message for as long as the page is there: what fails after it follows from it. */
export function sayLast(text: string): void { say(text, true); last = true; }
