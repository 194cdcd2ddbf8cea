// The controls of what is trained, and how.
import type { Settings } from '../protocol.ts';
import { formatNumber, input, select, setText } from './elements.ts';

export interface SettingsEvents {
  /** Learning rate or beta have changed, which takes effect at once. */
  onRates(rate: number, beta: number): void;
  /** Something has changed that asks for another model. */
  onModel(): void;
}

const RATES = ['rate', 'beta'];
const SIZES = ['latent', 'hidden', 'batch'];

export class SettingsControls {
  private settings: Settings;

  constructor(settings: Settings, { onRates, onModel }: SettingsEvents) {
    this.settings = settings;
    this.show(settings);
    for (const id of RATES) {
      input(id).addEventListener('input', () => {
        const rate = Number((10 ** input('rate').valueAsNumber).toPrecision(2));
        const beta = input('beta').valueAsNumber;
        this.settings = { ...this.settings, rate, beta };
        this.showRates();
        onRates(rate, beta);
      });
    }
    for (const id of SIZES) {
      select(id).addEventListener('change', () => {
        this.settings = {
          ...this.settings,
          latent: Number(select('latent').value),
          hidden: select('hidden').value.split(', ').map(Number),
          batch: Number(select('batch').value),
        };
        onModel();
      });
    }
  }

  get value(): Settings {
    return this.settings;
  }

  /** Other initial weights, another order of the data. */
  nextSeed(): void {
    this.settings = { ...this.settings, seed: this.settings.seed + 1 };
  }

  show(settings: Settings): void {
    this.settings = settings;
    input('rate').value = String(Math.log10(settings.rate));
    input('beta').value = String(settings.beta);
    choose('latent', settings.latent);
    choose('hidden', settings.hidden.join(', '));
    choose('batch', settings.batch);
    this.showRates();
  }

  private showRates(): void {
    const rate = this.settings.rate.toPrecision(2).replace(/\.?0+$/, '');
    setText('rate-value', rate);
    setText('beta-value', formatNumber(this.settings.beta, 1));
    input('rate').setAttribute('aria-valuetext', rate);
  }
}

/** Selects a value, which a loaded model may have brought along. */
function choose(id: string, value: number | string): void {
  const wanted = String(value);
  const list = select(id);
  if (![...list.options].some((option) => option.value === wanted)) list.add(new Option(wanted));
  list.value = wanted;
}
