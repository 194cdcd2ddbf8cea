// The settings of the page that trains: what of them acts at once, what starts over, what only some families
// have.
import { PLANE_DATA } from '../../src/data/plane.ts';
import { SettingsStore } from '../lab/settings.ts';
import type { Settings } from '../protocol.ts';
import { recipeOf } from '../recipes.ts';
import { input } from './elements.ts';

const INITIAL: Settings = {
  family: 'vae',
  data: 'digits',
  rate: 2e-3,
  beta: 1,
  latent: 8,
  hidden: '128',
  batch: 64,
  samples: 5,
  target: 10,
  components: 10,
  seed: 0,
};

export class TrainSettings extends SettingsStore<Settings> {
  /**
   * @param tuned learning rate or β have changed, which acts at once
   * @param remade something has changed that asks for another model
   */
  constructor(tuned: (settings: Settings) => void, remade: () => void) {
    super(INITIAL, (key) => {
      const { data, latent } = this.value;
      if (key === 'rate' || key === 'beta') return tuned(this.value);
      // A code of as many numbers as the plane has.
      if (key === 'data' && PLANE_DATA.includes(data) && latent > 2) this.adopt({ latent: 2 });
      remade();
    });
    this.adopt({});
  }

  /** What only some families have is seen where the one at hand has it. */
  override adopt(values: Partial<Settings>): void {
    super.adopt(values);
    const { family } = this.value;
    for (const part of document.querySelectorAll<HTMLElement>('[data-family]')) {
      // Formulas are no HTML elements, and have no property for it.
      part.toggleAttribute('hidden', part.dataset.family !== family);
    }
    const { own, hasBeta } = recipeOf(family);
    for (const row of document.querySelectorAll<HTMLElement>('[data-own]')) {
      row.hidden = !own.some((name) => name === row.dataset.own);
    }
    (input('beta').parentElement as HTMLElement).hidden = !hasBeta;
  }
}
