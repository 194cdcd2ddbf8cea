// What each dimension of a code tells of the data. Those of a bijection are as many as the data's.
import { type CodeDimension, codeDimensions, type WorkOptions } from '../../models/index.ts';
import type { Subject } from '../subject.ts';
import type { Scene } from './scene.ts';
import { fits, type Needs } from './view.ts';

const NEEDS: Needs = { can: ['code'], rows: 1, also: ({ can }) => !can.bijection };

/** Over the rows that are evaluated; undefined where there is nothing to tell. */
export async function dimensionsOf(
  scene: Scene,
  { dataset, evaluated }: Subject,
  work: WorkOptions,
): Promise<CodeDimension[] | undefined> {
  if (!fits(NEEDS, scene)) return undefined;
  const { runtime, model } = scene.asked;
  return await codeDimensions(runtime, model, evaluated, dataset.count, {
    ...work,
    seed: scene.seed,
  });
}
