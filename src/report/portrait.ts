// What a report shows of a model: every view that it and the data at hand allow, each drawn for itself.
import { isLatentGpuError } from '../errors.ts';
import type { Evaluation, WorkOptions } from '../models/index.ts';
import { encodePng } from '../pictures/png.ts';
import type { LatentDimensions, ReportPicture } from './content.ts';
import type { Subject } from './subject.ts';
import { dimensionsOf } from './views/dimensions.ts';
import { viewsOf } from './views/index.ts';
import type { Scene } from './views/scene.ts';

export interface Portrait {
  readonly pictures: readonly ReportPicture[];
  readonly dimensions: LatentDimensions | undefined;
  /** What could not be drawn, and why. */
  readonly notes: readonly string[];
}

/** The work of part `done` of `parts`. */
function partOf({ signal, onProgress }: WorkOptions, done: number, parts: number): WorkOptions {
  return {
    ...(signal && { signal }),
    onProgress: (fraction) => onProgress?.((done + fraction) / parts),
  };
}

/**
 * Draws one picture after the other; one that cannot be is left out, with a note.
 *
 * @throws LatentGpuError `interrupted`, and whatever keeps a device from working
 */
export async function portraitOf(
  scene: Scene,
  subject: Subject | undefined,
  evaluation: Evaluation | undefined,
  work: WorkOptions,
): Promise<Portrait> {
  const views = viewsOf(scene);
  const pictures: ReportPicture[] = [];
  const notes: string[] = [];
  for (const [i, { title, draw }] of views.entries()) {
    try {
      const { picture, ...described } = await draw(scene, partOf(work, i, views.length + 1));
      pictures.push({ title, ...described, png: encodePng(picture) });
    } catch (error) {
      // Too wide, not finite: one picture less is no reason to have no report.
      if (!isLatentGpuError(error, 'bad-input')) throw error;
      notes.push(`${title} could not be drawn: ${error.message}.`);
    }
  }
  const last = partOf(work, views.length, views.length + 1);
  const each = evaluation?.dimensions ?? (subject && (await dimensionsOf(scene, subject, last)));
  return {
    pictures,
    dimensions: each && { each, isDrawn: scene.can.code?.draw !== undefined },
    notes,
  };
}
