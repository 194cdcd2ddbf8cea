// What the page and the training session say to each other. Every message is plain data.
import type { Category } from '../src/categories.ts';
import type { BoundOfSamples, ErrorCode } from '../src/index.ts';

export type Settings = Readonly<{
  /** A name of `RECIPES`. */
  family: string;
  /** `digits`, a density in the plane, or `own`: the visitor's files. */
  data: string;
  /** Learning rate of Adam. */
  rate: number;
  /** Weight of the divergence in the loss. */
  beta: number;
  /** Size of a code. */
  latent: number;
  /** Widths of the encoder's hidden layers, with commas; the decoder has them in reverse. */
  hidden: string;
  batch: number;
  /** Draws of a code, K, of an importance-weighted bound. */
  samples: number;
  /** Nats at which a constraint holds the divergence. */
  target: number;
  /** Of priors that are mixtures. */
  components: number;
  seed: number;
}>;

/** The visitor's, with where it lay in what was dropped. */
export interface OwnFile {
  readonly file: File;
  readonly path: string;
}

/** What the latent map shows: the leading principal components, or two dimensions of the code. */
export type PlaneChoice = 'principal' | readonly [number, number];

/** A model that is asked for. */
export interface Wish {
  readonly settings: Settings;
  /** Counts what the page has asked for: what is told of an earlier wish changes no control. */
  readonly turn: number;
}

/** From the page. */
export type Request =
  /** `files`: the visitor's data, where a session is opened in place of one that had them. */
  | ({ type: 'open'; files?: readonly OwnFile[] | undefined } & Wish)
  | { type: 'train'; on: boolean }
  | ({ type: 'reset' } & Wish)
  | { type: 'tune'; rate: number; beta: number }
  | { type: 'hidden'; hidden: boolean }
  | { type: 'plane'; choice: PlaneChoice; manifold: boolean }
  | { type: 'point'; at: readonly [number, number] }
  | { type: 'interpolate'; from: number; to: number }
  | { type: 'shuffle' }
  | { type: 'files'; files: readonly OwnFile[] }
  /** What the visitor has drawn, as numbers in [0, 1], and the class that it is to be. */
  | { type: 'drawing'; image: Float32Array; label: number }
  /** A held-out image in place of a drawing. */
  | { type: 'pick'; row: number }
  /** Begins to measure the likelihood, or stops. */
  | { type: 'measure'; on: boolean }
  | { type: 'save' }
  | { type: 'lose' }
  /** Answered at once, so that the page knows that somebody is there. */
  | { type: 'ping' };

/** Of a table, in its own units: a number or a word for each column. */
export type Row = readonly (number | string)[];

/** The model and data that the following reports are about. */
export interface Ready extends Wish {
  readonly type: 'ready';
  readonly data: {
    readonly name: string;
    readonly count: number;
    readonly heldOut: number;
    readonly shape: readonly number[];
    /** Where the visitor's own came from. */
    readonly files: readonly OwnFile[] | undefined;
    /** Columns of words. */
    readonly categories: readonly Category[] | undefined;
    /** `60 of 480 values missing`, where some are. */
    readonly missing: string | undefined;
    /** Of a table of the visitor's: the columns that are shown, digits after the point of each, and how many it has. */
    readonly table:
      | {
          readonly headings: readonly string[];
          readonly digits: readonly number[];
          readonly columns: number;
        }
      | undefined;
  };
  /** Of a model that is told the class of each row: their names. */
  readonly classes: readonly string[] | undefined;
  /** Whether codes lie as N(0, I). */
  readonly isStandard: boolean;
  readonly parameters: number;
}

export interface Progress {
  readonly type: 'progress';
  readonly step: number;
  readonly epoch: number;
  /** Means over the last steps, in nats a data point. */
  readonly loss: number;
  readonly reconstruction: number | undefined;
  readonly kl: number;
  readonly stepsPerSecond: number;
  readonly imagesPerSecond: number;
}

/**
 * `hidden`: training waits until the tab is seen again. `recovering`: the GPU was lost, another is
 * being opened. `stranded`: there is no other; the model is kept, and `train` tries again. `failed`:
 * there is no model.
 */
export type Activity =
  | 'preparing'
  | 'ready'
  | 'training'
  | 'measuring'
  | 'paused'
  | 'hidden'
  | 'recovering'
  | 'stranded'
  | 'failed';

/** From the session. Images are numbers in [0, 1], one after the other. */
export type Report =
  | Ready
  | Progress
  | { type: 'activity'; activity: Activity }
  /** What the following is computed on. */
  | { type: 'adapter'; name: string; isSoftware: boolean }
  /** What was asked for could not be made; the model stays as it was. */
  | ({ type: 'kept' } & Wish)
  | { type: 'candidates'; images: Float32Array; labels: readonly number[] | undefined }
  | { type: 'reconstructions'; images: Float32Array }
  | { type: 'samples'; images: Float32Array }
  | { type: 'interpolation'; images: Float32Array }
  | {
      type: 'codes';
      /** [count, 2] in the map's plane. */
      points: Float32Array;
      labels: ArrayLike<number> | undefined;
      /** The map reaches from -extent to extent. */
      extent: number;
      latent: number;
    }
  | { type: 'manifold'; images: Float32Array; side: number; extent: number }
  /** Of vectors their place in the cloud's plane, [2], and the row of a table. */
  | { type: 'decoded'; image: Float32Array; at: readonly [number, number]; row: Row | undefined }
  | ({ type: 'cloud' } & Cloud)
  | ({ type: 'drawn' } & Drawn)
  | { type: 'picked'; row: number; image: Float32Array; label: number | undefined }
  | ({ type: 'likelihood' } & Likelihood)
  | {
      type: 'units';
      /** KL(q ‖ p) in nats, where it is known of each, and the variance of the posterior mean, a dimension. */
      kl: Float64Array | undefined;
      variance: Float64Array;
    }
  | { type: 'saved'; files: readonly { name: string; bytes: Uint8Array<ArrayBuffer> }[] }
  | { type: 'notice'; tone: 'info' | 'error'; text: string }
  | { type: 'failed'; code: ErrorCode | undefined; text: string }
  | { type: 'pong' };

/** Data that are no images, in a plane: points [n, 2]. */
export interface Cloud {
  readonly data: Float32Array;
  readonly drawn: Float32Array;
  /** Reconstructions of the data. */
  readonly rebuilt: Float32Array;
  /** Some of what was drawn, of a table. */
  readonly rows: readonly Row[] | undefined;
}

/** What the model makes of a drawing. */
export interface Drawn {
  readonly image: Float32Array;
  /** Where its code lies on the map. */
  readonly at: readonly [number, number];
  /** As every class, of a conditional model. */
  readonly others: Float32Array | undefined;
}

/** Of some held-out rows, in nats. */
export interface Likelihood {
  /** What is done of the work. */
  readonly done: number;
  readonly rows: number;
  /** -L_K for each K so far. */
  readonly curve: readonly BoundOfSamples[];
  /** Of the largest K so far: mean effective sample size. */
  readonly effective: number | undefined;
  /** -log p(x) by annealed importance sampling, and the trajectories that were accepted. */
  readonly annealed:
    | { readonly value: number; readonly error: number; readonly acceptance: number }
    | undefined;
}

/** Images in the grids. */
export const SAMPLES = 40;
export const CANDIDATES = 10;
export const INTERPOLATED = 9;
/** A latent dimension whose posterior mean varies more than this is active (Burda et al. 2016). */
export const ACTIVE_VARIANCE = 0.01;
