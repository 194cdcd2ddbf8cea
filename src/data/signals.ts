// Windows of signals, drawn from a seed, each by itself.
import { LatentGpuError } from '../errors.ts';
import { boxMuller, Random } from '../random.ts';
import { STREAMS } from '../streams.ts';
import type { ImageDataset } from './dataset.ts';

const normal = (random: Random): number => boxMuller(() => random.uniform());

interface Signal {
  /** Steps a second. */
  readonly rate?: number;
  /** Fills a window with a draw. */
  fill(window: Float32Array, random: Random): void;
}

/** Steps a second of an electrocardiogram. */
const ECG_RATE = 64;

/**
 * A heart beat as bumps at angles of a cycle: P, Q, R, S, T. The angles and widths are those of McSharry,
 * Clifford, Tarassenko and Smith 2003, "A dynamical model for generating synthetic electrocardiogram
 * signals", in whose model a bump's height goes with a · b².
 */
const BEAT = [
  { angle: -Math.PI / 3, a: 1.2, b: 0.25 },
  { angle: -Math.PI / 12, a: -5, b: 0.1 },
  { angle: 0, a: 30, b: 0.1 },
  { angle: Math.PI / 12, a: -7.5, b: 0.1 },
  { angle: Math.PI / 2, a: 0.75, b: 0.4 },
].map(({ angle, a, b }) => ({ angle, height: (a * b * b) / 0.3, b }));

const signals: Readonly<Record<string, Signal>> = {
  /** One sine a window: frequency from 1/64 to 1/8 a step, amplitude from 1/2 to 3/2, noise of deviation 0.1. */
  sines: {
    fill(window, random) {
      const frequency = 2 ** (-6 + 3 * random.uniform());
      const amplitude = 0.5 + random.uniform();
      const phase = 2 * Math.PI * random.uniform();
      for (let t = 0; t < window.length; t++) {
        window[t] =
          amplitude * Math.sin(2 * Math.PI * frequency * t + phase) + 0.1 * normal(random);
      }
    },
  },
  /**
   * A generated electrocardiogram, R waves about 1 high: 55 to 95 beats a minute, which breathing quickens
   * and slows, another size of each wave in each window, a wandering baseline, noise of deviation 0.02.
   */
  ecg: {
    rate: ECG_RATE,
    fill(window, random) {
      const rate = (55 + 40 * random.uniform()) / 60;
      const breath = 0.2 + 0.1 * random.uniform();
      const [breathPhase, start] = [random.uniform(), random.uniform()];
      const wander = 0.1 * random.uniform();
      const waves = BEAT.map((wave) => ({
        ...wave,
        height: wave.height * (1 + 0.15 * normal(random)),
      }));
      let cycle = 2 * Math.PI * start;
      for (let t = 0; t < window.length; t++) {
        const breathing = Math.sin(2 * Math.PI * ((breath * t) / ECG_RATE + breathPhase));
        cycle += (2 * Math.PI * rate * (1 + 0.05 * breathing)) / ECG_RATE;
        const angle = Math.atan2(Math.sin(cycle), Math.cos(cycle));
        // Waves keep about their lengths when the heart beats faster (McSharry et al. 2003, by √rate).
        const quick = Math.sqrt(rate);
        const beat = waves.reduce((sum, wave) => {
          const off = angle - wave.angle * (wave.angle < 1 ? Math.sqrt(quick) : 1);
          return sum + wave.height * Math.exp(-(off * off) / (2 * (wave.b * quick) ** 2));
        }, 0);
        window[t] = beat + wander * breathing + 0.02 * normal(random);
      }
    },
  },
  /** Sums of independent steps N(0, 1). */
  'random-walks': {
    fill(window, random) {
      let at = 0;
      for (let t = 0; t < window.length; t++) {
        at += normal(random);
        window[t] = at;
      }
    },
  },
};

/** Names of the signals. */
export const SIGNAL_DATA: readonly string[] = Object.keys(signals);

/** Steps of a window, unless another length is asked for. */
export const SIGNAL_WINDOW = 128;

/** Streams of a seed, apart from those of other data. */
const STREAM = { train: STREAMS.trainingSignals, test: STREAMS.testSignals } as const;

export interface SignalOptions {
  count: number;
  window?: number;
  seed?: number;
  split?: 'train' | 'test';
}

/**
 * Windows of a signal, [count, window], each drawn by itself.
 *
 * @throws LatentGpuError `bad-input` for an unknown name
 */
export function signal(name: string, options: SignalOptions): ImageDataset {
  const { count, window = SIGNAL_WINDOW, seed = 0, split = 'train' } = options;
  const found = Object.hasOwn(signals, name) ? signals[name] : undefined;
  if (!found) {
    throw new LatentGpuError('bad-input', `no signal '${name}'; known: ${SIGNAL_DATA.join(', ')}`);
  }
  const data = new Float32Array(count * window);
  for (let i = 0; i < count; i++) {
    found.fill(data.subarray(i * window, (i + 1) * window), new Random(seed, STREAM[split], i));
  }
  return {
    name,
    count,
    shape: [window],
    data,
    sequence: { ...(found.rate !== undefined && { rate: found.rate }) },
    source: `drawn from seed ${seed}`,
  };
}

/** Whether data points are sequences, as far as that is known before they are read. */
export const areSequences = (data: string, windows: unknown): boolean =>
  windows !== undefined || SIGNAL_DATA.includes(data);
