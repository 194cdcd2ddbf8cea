// Settings of a page: what its controls say, and the part of its address that carries them.
import { formatNumber } from '../view/elements.ts';

export type Settings = Readonly<Record<string, number | string | boolean>>;

type Control = HTMLInputElement | HTMLSelectElement;

/** Until an address that was refused is tried again. */
const AGAIN_MS = 1000;

/**
 * Controls are found by `name`. A range with `data-base` says the power of that base; what it says is
 * written, with `data-digits` decimals, into the `output` that is for it.
 */
export class SettingsStore<S extends Settings> {
  private readonly defaults: S;
  private readonly changed: (key: keyof S & string) => void;
  private now: S;
  private later: ReturnType<typeof setTimeout> | undefined;

  constructor(defaults: S, changed: (key: keyof S & string) => void) {
    this.defaults = defaults;
    this.changed = changed;
    this.now = this.fromAddress();
    this.showAll();
    // A link is corrected, too.
    this.write();
    document.addEventListener('input', ({ target }) => {
      const { name } = target as Control;
      if (name in defaults) this.set(name, this.valueIn(target as Control));
    });
    addEventListener('hashchange', () => {
      const next = this.fromAddress();
      for (const key of Object.keys(defaults)) this.set(key, next[key] as S[string]);
      this.showAll();
    });
  }

  get value(): S {
    return this.now;
  }

  set<K extends keyof S & string>(key: K, value: S[K]): void {
    if (this.now[key] === value) return;
    this.now = { ...this.now, [key]: value };
    this.show(key);
    this.write();
    this.changed(key);
  }

  /** Takes values that something other than a control has settled, without telling of it. */
  adopt(values: Partial<S>): void {
    this.now = { ...this.now, ...values };
    this.showAll();
    this.write();
  }

  private write(): void {
    clearTimeout(this.later);
    try {
      history.replaceState(null, '', this.hash || location.pathname + location.search);
    } catch {
      // Safari takes a hundred in half a minute, and a slider asks for more.
      this.later = setTimeout(() => this.write(), AGAIN_MS);
    }
  }

  private get hash(): string {
    const said = Object.entries(this.now)
      .filter(([key, value]) => value !== this.defaults[key])
      .map(([key, value]) => [key, String(value)]);
    const text = new URLSearchParams(said).toString();
    return text && `#${text}`;
  }

  private fromAddress(): S {
    const said = new URLSearchParams(location.hash.slice(1));
    const entries = Object.entries(this.defaults).map(([key, usual]) => {
      const text = said.get(key);
      return [key, text === null ? usual : admitted(key, text, usual)];
    });
    return Object.fromEntries(entries) as S;
  }

  private valueIn(control: Control): S[string] {
    const usual = this.defaults[control.name];
    const { base } = control.dataset;
    if (typeof usual === 'boolean') return (control as HTMLInputElement).checked as S[string];
    if (typeof usual === 'string') return control.value as S[string];
    const number = Number(control.value);
    return (base ? Number((Number(base) ** number).toPrecision(3)) : number) as S[string];
  }

  private showAll(): void {
    for (const key of Object.keys(this.defaults)) this.show(key);
  }

  private show(key: string): void {
    const value = this.now[key];
    for (const control of controlsOf(key)) {
      const { base, digits } = control.dataset;
      if (control.type === 'radio') {
        (control as HTMLInputElement).checked = control.value === String(value);
      } else if (control.type === 'checkbox') {
        (control as HTMLInputElement).checked = value === true;
      } else {
        if (control instanceof HTMLSelectElement) addMissing(control, String(value));
        control.value = String(base ? Math.log(Number(value)) / Math.log(Number(base)) : value);
      }
      const output = document.querySelector(`output[for="${control.id}"]`);
      const text =
        typeof value === 'number' && digits ? formatNumber(value, Number(digits)) : String(value);
      if (output) output.textContent = text;
      if (output && control.type === 'range') control.setAttribute('aria-valuetext', text);
    }
  }
}

const controlsOf = (key: string) => [
  ...document.querySelectorAll<Control>(`input[name="${key}"], select[name="${key}"]`),
];

/** A value of a loaded model may be none that the list has. */
function addMissing(list: HTMLSelectElement, value: string): void {
  if (![...list.options].some((option) => option.value === value)) list.add(new Option(value));
}

/** What an address says, if a control could say it too; else what is usual. */
function admitted(key: string, text: string, usual: number | string | boolean) {
  if (typeof usual === 'boolean') return text === 'true';
  const controls = controlsOf(key);
  if (typeof usual === 'string') {
    const choices = controls.flatMap((control) =>
      control instanceof HTMLSelectElement
        ? [...control.options].map(({ value }) => value)
        : [control.value],
    );
    return choices.length === 0 || choices.includes(text) ? text : usual;
  }
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) return usual;
  const [control] = controls;
  // What no control shows is a seed.
  if (!control) return Number.isSafeInteger(number) && number >= 0 ? number : usual;
  if (!(control instanceof HTMLInputElement) || control.type !== 'range') {
    const choices = controls.flatMap((each) =>
      each instanceof HTMLSelectElement ? [...each.options].map(({ value }) => value) : each.value,
    );
    return choices.includes(String(number)) ? number : usual;
  }
  const { base } = control.dataset;
  const [low, high] = [control.min, control.max].map((edge) =>
    base ? Number(base) ** Number(edge) : Number(edge),
  ) as [number, number];
  const within = Math.min(high, Math.max(low, number));
  if (base) return within;
  // Where the slider can stand.
  const step = Number(control.step);
  return Number((low + step * Math.round((within - low) / step)).toPrecision(12));
}
