// What the page and the training session say to each other. Every message is plain data.
import type { ErrorCode } from '../src/index.ts';

export interface Settings {
  /** Learning rate of Adam. */
  readonly rate: number;
  /** Weight of the divergence in the loss. */
  readonly beta: number;
  /** Size of a code. */
  readonly latent: number;
  /** Widths of the encoder's hidden layers; the decoder has them in reverse. */
  readonly hidden: readonly number[];
  readonly batch: number;
  readonly seed: number;
}

/** What the latent map shows: the leading principal components, or two dimensions of the code. */
export type PlaneChoice = 'principal' | readonly [number, number];

/** From the page. */
export type Request =
  /** `files`: the visitor's data, where a session is opened in place of one that had them. */
  | { type: 'open'; settings: Settings; files?: readonly File[] | undefined }
  | { type: 'train'; on: boolean }
  | { type: 'reset'; settings: Settings }
  | { type: 'tune'; rate: number; beta: number }
  | { type: 'hidden'; hidden: boolean }
  | { type: 'plane'; choice: PlaneChoice; manifold: boolean }
  | { type: 'point'; at: readonly [number, number] }
  | { type: 'interpolate'; from: number; to: number }
  | { type: 'shuffle' }
  | { type: 'files'; files: readonly File[] }
  | { type: 'digits' }
  | { type: 'save' }
  | { type: 'lose' }
  /** Answered at once, so that the page knows that somebody is there. */
  | { type: 'ping' };

/** The model and data that the following reports are about. */
export interface Ready {
  readonly type: 'ready';
  readonly data: {
    readonly name: string;
    readonly count: number;
    readonly heldOut: number;
    readonly shape: readonly number[];
    /** Where the visitor's own came from; without, they are the built-in digits. */
    readonly files: readonly File[] | undefined;
  };
  readonly settings: Settings;
  readonly parameters: number;
}

export interface Progress {
  readonly type: 'progress';
  readonly step: number;
  readonly epoch: number;
  /** Means over the last steps, in nats a data point. */
  readonly loss: number;
  readonly reconstruction: number;
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
  | { type: 'kept'; settings: Settings }
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
  | { type: 'decoded'; image: Float32Array; at: readonly [number, number] }
  | {
      type: 'units';
      /** KL(q ‖ p) in nats and the variance of the posterior mean, a dimension. */
      kl: Float64Array;
      variance: Float64Array;
    }
  | { type: 'saved'; files: readonly { name: string; bytes: Uint8Array<ArrayBuffer> }[] }
  | { type: 'notice'; tone: 'info' | 'error'; text: string }
  | { type: 'failed'; code: ErrorCode | undefined; text: string }
  | { type: 'pong' };

/** Images in the grids. */
export const SAMPLES = 40;
export const CANDIDATES = 10;
export const INTERPOLATED = 9;
/** A latent dimension whose posterior mean varies more than this is active (Burda et al. 2016). */
export const ACTIVE_VARIANCE = 0.01;
