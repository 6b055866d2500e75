// The bar of current selections: back, forward, clear, and one chip for each field.
import { Api, Selection, live } from './qix';
import { el, padlock } from './dom';

/** Fills the bar and keeps it up to date. */
export async function addSelections(doc: Api, bar: HTMLElement, fail: (e: unknown) => void): Promise<void> {
  const button = (sign: string, label: string, f: () => Promise<unknown>) => el('button', { type: 'button', title: label, 'aria-label': label, click: () => { f().catch(fail); } }, sign);
  const back = button('↶', 'Step back', () => doc.back()); const forward = button('↷', 'Step forward', () => doc.forward());
  const clear = button('Clear all', 'Clear all selections', () => doc.clearAll(false)); clear.id = 'clear-all';
  const chips = el('span', { class: 'chips' }); chips.style.display = 'contents';
  bar.replaceChildren(back, forward, clear, chips);
  const chip = (s: Selection) => el('span', { class: 'chip', 'data-field': s.qField }, el('b', {}, s.qField), s.qSelected, s.qLocked ? padlock(true)
    : button('×', `Clear ${s.qField}`, async () => (await doc.getField(s.qField) as Api).clear()));
  await live(doc, { qInfo: { qId: 'page-selections', qType: 'page-selections' }, qSelectionObjectDef: {} }, (layout) => {
    const o = layout.qSelectionObject!;
    back.disabled = o.qBackCount === 0; forward.disabled = o.qForwardCount === 0; clear.disabled = !o.qSelections.some((s) => !s.qLocked);
    chips.replaceChildren(...(o.qSelections.length ? o.qSelections.map(chip) : [el('span', { class: 'none' }, 'Nothing selected: click any value')]));
  }, fail);
}
