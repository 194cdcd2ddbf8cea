// What a view of a model is: what it needs, and how it is drawn.
import type { Abilities, WorkOptions } from '../../models/index.ts';
import type { Picture } from '../../pictures/png.ts';
import type { ReportPicture } from '../content.ts';
import type { Scene } from './scene.ts';

/** What a model and the data at hand must have. */
export interface Needs {
  readonly can: readonly (keyof Abilities)[];
  readonly shape?: 'image' | 'vector' | 'plane';
  /** Rows of data, at least; with `code` they are encoded. */
  readonly rows?: number;
  /** What no name of an ability tells. */
  readonly also?: (scene: Scene) => boolean;
}

export interface View<T> {
  readonly title: string;
  readonly needs: Needs;
  draw(scene: Scene, work: WorkOptions): Promise<T>;
}

export type Described = Omit<ReportPicture, 'png' | 'title'> & { readonly picture: Picture };

export interface PictureView extends View<Described> {
  /** What it is called in the folder of a run, which has it from the start. */
  readonly file?: string;
}

/** Whether the model and the data at hand have what a view needs. */
export function fits({ can, shape, rows = 0, also }: Needs, scene: Scene): boolean {
  return (
    can.every((ability) => scene.can[ability] !== undefined) &&
    (shape === undefined || shapes(scene).includes(shape)) &&
    (scene.sitters?.dataset.count ?? 0) >= rows &&
    (!can.includes('code') || rows === 0 || scene.canEncode) &&
    (also?.(scene) ?? true)
  );
}

function shapes({ isVector, isPlane }: Scene): readonly Needs['shape'][] {
  if (!isVector) return ['image'];
  return isPlane ? ['vector', 'plane'] : ['vector'];
}
