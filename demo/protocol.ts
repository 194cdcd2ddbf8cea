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
  | { type: 'open'; settings: Settings }
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
  | { type: 'lose' };

/** The model and data that the following reports are about. */
export interface Ready {
  readonly type: 'ready';
  readonly adapter: { readonly name: string; readonly isSoftware: boolean };
  readonly data: {
    readonly name: string;
    readonly count: number;
    readonly heldOut: number;
    readonly shape: readonly number[];
    readonly isBuiltIn: boolean;
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

export type Activity = 'preparing' | 'ready' | 'training' | 'paused' | 'hidden' | 'failed';

/** From the session. Images are numbers in [0, 1], one after the other. */
export type Report =
  | Ready
  | Progress
  | { type: 'activity'; activity: Activity }
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
  | { type: 'failed'; code: ErrorCode | undefined; text: string };

/** Images in the grids. */
export const SAMPLES = 40;
export const CANDIDATES = 10;
export const INTERPOLATED = 9;
/** A latent dimension whose posterior mean varies more than this is active (Burda et al. 2016). */
export const ACTIVE_VARIANCE = 0.01;
