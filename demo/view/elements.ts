// The page's elements by id, and what is written into them.
export function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element '${id}'`);
  return found as T;
}

export const button = (id: string): HTMLButtonElement => element(id);
export const input = (id: string): HTMLInputElement => element(id);
export const select = (id: string): HTMLSelectElement => element(id);
export const canvas = (id: string): HTMLCanvasElement => element(id);

export function setText(id: string, text: string): void {
  element(id).textContent = text;
}

/** A number as the page writes it, with a minus that is as wide as a plus. */
export const formatNumber = (value: number, digits: number): string =>
  value
    .toLocaleString('en', {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      // Little below nothing is nothing.
      signDisplay: 'negative',
    })
    .replace('-', '−');

/** A control that is taken away for a moment gets the focus back that it had. */
let hadFocus: HTMLElement | undefined;

export function setEnabled(id: string, on: boolean): void {
  const control = button(id);
  if (!on && document.activeElement === control) hadFocus = control;
  control.disabled = !on;
  if (on && hadFocus === control) {
    hadFocus = undefined;
    if (document.activeElement === document.body) control.focus();
  }
}
