// What a report shows of any model: pictures, each drawn for itself.
import type { ImageDataset } from '../../data/dataset.ts';
import { isLatentGpuError } from '../../errors.ts';
import type { RowSource, WorkOptions } from '../../models/index.ts';
import { encodePng, type Picture } from '../../pictures/png.ts';
import type { LatentDimensions, ReportPicture } from '../../report/content.ts';
import type { LoadedModel } from '../../training/model-folder.node.ts';

/** Values of the data points in one picture, about, at most. */
const VALUES = 500_000;
/** Side of a plot in pixels: its numerals are to be read on a narrow page, too. */
export const PLOT = 460;

/** Data that a model is shown, and how. */
export interface Sitters {
  readonly dataset: ImageDataset;
  /** Rows for pictures: grey where training drew them anew. */
  readonly shown: RowSource;
  /** Rows as an evaluation sees them. */
  readonly evaluated: RowSource;
}

export interface Portrait {
  readonly pictures: readonly ReportPicture[];
  readonly dimensions: LatentDimensions | undefined;
  /** What could not be drawn, and why. */
  readonly notes: readonly string[];
}

export type Described = Omit<ReportPicture, 'png'> & { readonly picture: Picture };
/** Pictures by the names that a note calls them. */
export type Tasks = Readonly<Record<string, (work: WorkOptions) => Promise<Described>>>;

/** The work of part `done` of `parts`. */
export function partOf(
  { signal, onProgress }: WorkOptions,
  done: number,
  parts: number,
): WorkOptions {
  return {
    ...(signal && { signal }),
    onProgress: (fraction) => onProgress?.((done + fraction) / parts),
  };
}

/**
 * Draws one picture after the other; one that cannot be is left out, with a note.
 *
 * @param parts of the whole work, if more is to follow
 * @throws LatentGpuError `interrupted`, and whatever keeps a device from working
 */
export async function drawn(
  tasks: Tasks,
  work: WorkOptions,
  parts = Object.keys(tasks).length,
): Promise<Portrait> {
  const pictures: ReportPicture[] = [];
  const notes: string[] = [];
  for (const [i, [name, draw]] of Object.entries(tasks).entries()) {
    try {
      const { picture, ...described } = await draw(partOf(work, i, parts));
      pictures.push({ ...described, png: encodePng(picture) });
    } catch (error) {
      // Too wide, not finite: one picture less is no reason to have no report.
      if (!isLatentGpuError(error, 'bad-input')) throw error;
      notes.push(`${name} could not be drawn: ${error.message}.`);
    }
  }
  return { pictures, dimensions: undefined, notes };
}

export const isVector = ({ config }: LoadedModel) => config.data.shape.length === 1;
const MADE = { 1: 'as points along a line', 2: 'as points in the plane' } as const;

/** So many data points, or fewer where they are large: a page is to stay small. */
export function atMost(wanted: number, { model }: LoadedModel): number {
  return Math.max(4, Math.min(wanted, Math.floor(VALUES / model.features)));
}

/** As many as `atMost`, in a full square. */
export function squareOf(wanted: number, loaded: LoadedModel): number {
  return Math.floor(Math.sqrt(atMost(wanted, loaded))) ** 2;
}

/** Where plain vectors are drawn, in words. */
export function placeOf({ model }: LoadedModel): string {
  return (
    MADE[model.features as 1 | 2] ??
    'in the plane of the first two principal components of the data'
  );
}

/** Rows that are shown, from the first. */
export function fewOf(sitters: Sitters, most: number): Float32Array {
  return sitters.shown(0, Math.min(most, sitters.dataset.count));
}
