// What the latent map shows: codes or a manifold of images, and in which plane of the latent space.
import type { PlaneChoice } from '../protocol.ts';
import { element, select } from './elements.ts';

export interface MapEvents {
  onPlane(): void;
  /** Codes are asked for in place of the manifold, or the other way round. */
  onKind(): void;
}

const AXES = ['x', 'y'] as const;
type Axis = (typeof AXES)[number];

const kinds = () => document.querySelectorAll<HTMLInputElement>('input[name="map"]');

export class MapControls {
  private plane: PlaneChoice = 'principal';
  private latent = 0;

  constructor({ onPlane, onKind }: MapEvents) {
    for (const axis of AXES) {
      select(`plane-${axis}`).addEventListener('change', () => {
        this.plane = this.chosen(axis);
        onPlane();
      });
    }
    for (const kind of kinds()) kind.addEventListener('change', onKind);
  }

  get choice(): PlaneChoice {
    return this.plane;
  }

  get wantsManifold(): boolean {
    return [...kinds()].some(({ checked, value }) => checked && value === 'manifold');
  }

  /** As at the start, for a model with codes of another size. */
  reset(latent: number): void {
    this.plane = 'principal';
    this.latent = latent;
    element('plane').hidden = latent <= 2;
    AXES.forEach((axis, i) => {
      const names = [`PC ${i + 1}`, ...Array.from({ length: latent }, (_, d) => `z ${d + 1}`)];
      const options = names.map((name, at) => new Option(name, String(at - 1)));
      select(`plane-${axis}`).replaceChildren(...options);
    });
    for (const kind of kinds()) kind.checked = kind.value === 'codes';
  }

  /** Both axes are principal components, or neither is, and they differ. */
  private chosen(changed: Axis): PlaneChoice {
    const other = select(changed === 'x' ? 'plane-y' : 'plane-x');
    const value = Number(select(`plane-${changed}`).value);
    if (value < 0) other.value = '-1';
    else if (Number(other.value) < 0 || Number(other.value) === value) {
      other.value = String((value + 1) % this.latent);
    }
    const [x, y] = [Number(select('plane-x').value), Number(select('plane-y').value)];
    return x < 0 ? 'principal' : [x, y];
  }
}
