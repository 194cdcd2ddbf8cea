// A model at work, and what it is shown, as its views see them.
import type { ImageDataset } from '../../data/dataset.ts';
import type { Asked, RowSource, WorkOptions } from '../../models/index.ts';
import { CLOUD, cloudPicture } from '../../pictures/clouds.ts';
import { atMeans } from '../../pictures/missing.ts';
import { type Frame, frameOf } from '../../pictures/plot.ts';
import type { Picture } from '../../pictures/png.ts';
import { type Appearance, inDataUnits, isVector } from '../../pictures/points.ts';

const MADE = { 1: 'as points along a line', 2: 'as points in the plane' } as const;

/** Data that a model is shown, and how. */
export interface Sitters {
  readonly dataset: ImageDataset;
  /** Rows for pictures: grey where training drew them anew. */
  readonly shown: RowSource;
  /** Of a model that has codes of its training rows alone: whether these are others. */
  readonly isUnseen?: boolean;
}

/** Some of them, [count, D] as the model sees them. */
export interface Few {
  readonly rows: Float32Array;
  readonly count: number;
  /** [count, D]: 0 where a value is missing; undefined: none is. */
  readonly mask: ArrayLike<number> | undefined;
}

export interface SceneOptions {
  readonly asked: Asked;
  readonly look: Appearance;
  readonly sitters?: Sitters | undefined;
  readonly seed: number;
  /** Side of a plot in pixels; default: each plot's own. */
  readonly plot?: number;
  /** Values of the data points in one picture, about, at most. Default: any number. */
  readonly values?: number;
}

export class Scene {
  readonly asked: Asked;
  readonly look: Appearance;
  readonly sitters: Sitters | undefined;
  readonly seed: number;
  readonly plot: number | undefined;
  private readonly values: number;
  private plane: Promise<Float32Array> | undefined;

  constructor({ asked, look, sitters, seed, plot, values }: SceneOptions) {
    this.asked = asked;
    this.look = look;
    this.sitters = sitters;
    this.seed = seed;
    this.plot = plot;
    this.values = values ?? Number.POSITIVE_INFINITY;
  }

  get can() {
    return this.asked.model.can;
  }

  /** Whether there are codes of the data at hand: some models have those of their training rows alone. */
  get canEncode(): boolean {
    return this.can.trainingRows === undefined || this.sitters?.isUnseen === false;
  }

  /** Data points are images, points in the plane, or longer and shorter vectors. */
  get isVector(): boolean {
    return isVector(this.look);
  }

  get isPlane(): boolean {
    return this.isVector && this.asked.model.features === 2;
  }

  /** Where plain vectors are drawn, in words. */
  get place(): string {
    return (
      MADE[this.asked.model.features as 1 | 2] ??
      'in the plane of the first two principal components of the data'
    );
  }

  /** So many data points, or fewer where they are large: a page is to stay small. */
  atMost(wanted: number): number {
    return Math.max(4, Math.min(wanted, Math.floor(this.values / this.asked.model.features)));
  }

  /** As many as `atMost`, in a full square. */
  squareOf(wanted: number): number {
    return Math.floor(Math.sqrt(this.atMost(wanted))) ** 2;
  }

  /** Rows that are shown, from the first, n being `most` or all there are. */
  few(most: number): Few {
    const { shown, dataset } = this.sitters as Sitters;
    const count = Math.min(most, dataset.count);
    return { rows: shown(0, count), count, mask: shown.mask?.(0, count) };
  }

  /** What to say of a picture of rows, if some have holes. @param color of points in the plane that have */
  holes({ mask }: Few, color: 'grey' | 'coloured' = 'grey'): string {
    if (!mask || Array.prototype.every.call(mask, Boolean)) return '';
    if (this.isVector) {
      const who = color === 'grey' ? ' Rows with missing values are grey.' : '';
      return `${who} What is missing lies at the mean of what is seen.`;
    }
    return this.look.sequence
      ? ' What is missing is left out, on blue.'
      : ' What is missing is blue.';
  }

  /** Points [n, 2] of the plane, as the model sees them: data; where there are none, draws. */
  seen({ signal }: WorkOptions): Promise<Float32Array> {
    this.plane ??= this.sitters
      ? Promise.resolve(this.placed(this.few(CLOUD)))
      : this.asked.sample(CLOUD, 'draw', this.seed, { ...(signal && { signal }) });
    return this.plane;
  }

  /** With means in the place of holes. */
  private placed({ rows, mask }: Few): Float32Array {
    return atMeans(rows, mask, this.asked.model.features);
  }

  /** The part of the plane where they lie, in data units. */
  async frame(work: WorkOptions): Promise<Frame> {
    return frameOf(inDataUnits(await this.seen(work), this.look));
  }

  /** Data and as many points of the model, both [n, D] as the model sees them, among each other. */
  cloud(data: Few, made: Float32Array): Picture {
    // A density over the plane is in data units, and so is what is compared with it; else every feature
    // is to count alike.
    const isMapped = this.isPlane && this.can.logWeights?.exact;
    const units = (rows: Float32Array) => (isMapped ? inDataUnits(rows, this.look) : rows);
    const { features } = this.asked.model;
    return cloudPicture(units(data.rows), units(made), features, this.plot, data.mask);
  }
}
