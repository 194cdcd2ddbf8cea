// A VAE beside a decoder that may do without its code, and the cures: numbers that are live, so that a
// switch acts on the step that is running and nothing is compiled again.
import {
  binarizedRows,
  digits,
  input,
  type Live,
  live,
  objectives,
  ops,
  optim,
  outputBias,
  type Tensor,
  Trainer,
  Vae,
  type Variable,
} from '../../src/index.ts';
import type { Plan, Runtime } from '../../src/scheduler/index.ts';
import type { Run } from '../lab/chapter.ts';
import { replay } from '../lab/replay.ts';
import { Slices } from '../lab/slices.ts';
import { ACTIVE_VARIANCE } from '../protocol.ts';

export interface CollapseSettings {
  /** Pixels to either side that a pixel is drawn by; 0: none. */
  readonly receptive: number;
  readonly latent: number;
  readonly beta: number;
  readonly freeBits: number;
  readonly rate: number;
}

/** What was found at a step. */
export interface Look {
  readonly step: number;
  /** Mean KL(q ‖ p) of each unit over held-out images, in nats. */
  readonly kl: readonly number[];
  /** Of each unit's posterior mean. */
  readonly variance: readonly number[];
  readonly active: number;
  readonly reconstruction: number;
  /** The weight that the divergence had. */
  readonly weight: number;
}

const SIZE = 12;
const DATA = { train: 4000, heldOut: 128 };
const BATCH = 32;
/** Posteriors begin as narrow as this: every unit costs a nat, whether or not it says anything. */
const FIRST_LOG_STD = -1.5;
/** Steps from 0 to the whole weight. */
export const ANNEAL_STEPS = 400;
const LOOK_MS = 300;

type LiveName = 'rate' | 'beta' | 'freeBits' | 'annealedFrom';

export class CollapseRun implements Run {
  readonly looks: Look[] = [];
  readonly settings: CollapseSettings;
  private readonly trainer: Trainer;
  private readonly model: Vae;
  private readonly lives: Record<LiveName, Live>;
  private readonly changed: () => void;
  private readonly heldOut: Float32Array;
  private readonly slices = new Slices();
  private lens: { runtime: Runtime; plan: Plan; x: Variable } | undefined;
  private reconstruction = Number.NaN;
  private lookAt = 0;

  private constructor(
    settings: CollapseSettings,
    model: Vae,
    trainer: Trainer,
    lives: CollapseRun['lives'],
    changed: () => void,
  ) {
    this.settings = settings;
    this.model = model;
    this.trainer = trainer;
    this.lives = lives;
    this.changed = changed;
    const heldOut = digits({ count: DATA.heldOut, size: SIZE, split: 'test' });
    this.heldOut = binarizedRows(heldOut, 0, heldOut.count, 'resampled', 1);
  }

  static async open(settings: CollapseSettings, changed: () => void): Promise<CollapseRun> {
    const { receptive, latent } = settings;
    const hidden = { hidden: [64], activation: 'relu' } as const;
    const pixels = receptive > 0 && { receptive, pixelChannels: 8, pixelLayers: 1, maps: 2 };
    const model = new Vae({
      shape: [SIZE, SIZE],
      encoder: hidden,
      latent,
      decoder: { ...hidden, ...pixels },
      likelihood: { kind: 'bernoulli' },
      init: 'torch',
    });
    const lives: Record<LiveName, Live> = {
      rate: live('rate', settings.rate),
      beta: live('beta', settings.beta),
      freeBits: live('freeBits', settings.freeBits),
      annealedFrom: live('annealedFrom', -ANNEAL_STEPS),
    };
    const train = digits({ count: DATA.train, size: SIZE });
    const initial = new Map<Variable, Float32Array>([narrow(model)]);
    if (receptive === 0) initial.set(...outputBias(model, train, 'resampled'));
    const trainer = await Trainer.create({
      model,
      data: train,
      batch: BATCH,
      binarize: 'resampled',
      seed: 1,
      optimizer: optim.adam({ lr: () => lives.rate.tensor }),
      clipNorm: 10,
      initial,
      loss: (batch) => {
        const { bound, reconstruction } = objectives.elbo(model, batch, {
          beta: ops.mul(lives.beta.tensor, risen(lives.annealedFrom.tensor)),
          freeBits: { least: lives.freeBits.tensor, by: 'dimension' },
        });
        return {
          loss: ops.neg(ops.mean(bound)),
          metrics: { reconstruction: ops.neg(ops.mean(reconstruction)) },
        };
      },
    });
    const run = new CollapseRun(settings, model, trainer, lives, changed);
    await run.look();
    return run;
  }

  async turn(): Promise<boolean> {
    const { metrics } = await this.slices.run(this.trainer);
    this.reconstruction = metrics.reconstruction ?? Number.NaN;
    if (performance.now() > this.lookAt) await this.look();
    return true;
  }

  async set({ rate, beta, freeBits }: CollapseSettings): Promise<void> {
    for (const [name, value] of Object.entries({ rate, beta, freeBits })) {
      const each = this.lives[name as LiveName];
      if (each.value !== value) await this.trainer.set(each, value);
    }
  }

  /** Lets the weight rise from 0 once more, from the step at hand on. */
  async anneal(): Promise<void> {
    await this.trainer.set(this.lives.annealedFrom, this.trainer.step);
  }

  /** Of the divergence, as of the step at hand. */
  get weight(): number {
    const { beta, annealedFrom } = this.lives;
    const share = (this.trainer.step - annealedFrom.value) / ANNEAL_STEPS;
    return beta.value * Math.min(1, Math.max(0, share));
  }

  private async look(): Promise<void> {
    const { trainer } = this;
    const began = performance.now();
    await trainer.protect(async (runtime) => {
      const { plan, x } = await this.lensOn(runtime);
      runtime.write(x, this.heldOut);
      const [kl = [], variance = []] = await replay<ArrayLike<number>>(plan, 'kl', 'variance');
      this.looks.push({
        step: trainer.step,
        kl: Array.from(kl),
        variance: Array.from(variance),
        active: Array.from(variance).filter((value) => value > ACTIVE_VARIANCE).length,
        reconstruction: this.reconstruction,
        weight: this.weight,
      });
    });
    const now = performance.now();
    this.lookAt = now + Math.max(LOOK_MS, 2 * (now - began));
    this.changed();
  }

  private async lensOn(runtime: Runtime) {
    if (this.lens?.runtime === runtime) return this.lens;
    const { model } = this;
    const x = input('held out', [DATA.heldOut, model.features]);
    const posterior = model.posterior({ x });
    const closed = posterior.klTo?.(model.prior());
    if (!closed) throw new Error('two normals have a divergence in closed form');
    const plan = await runtime.compile({
      outputs: { kl: ops.mean(closed, 0), variance: varianceOf(posterior.mean) },
    });
    this.lens = { runtime, plan, x };
    return this.lens;
  }

  close(): void {
    this.trainer.destroy();
  }
}

/** From 0 at a step to 1 some steps later. */
function risen(from: Tensor): Tensor {
  const since = ops.mul(ops.sub(ops.toFloat(ops.step), from), 1 / ANNEAL_STEPS);
  return ops.minimum(ops.maximum(since, 0), 1);
}

function varianceOf(x: Tensor): Tensor {
  return ops.sub(ops.mean(ops.square(x), 0), ops.square(ops.mean(x, 0)));
}

/** The encoder's last bias, with every posterior narrow. */
function narrow(model: Vae): [Variable, Float32Array] {
  const { latent } = model;
  const found = model.namedParameters().findLast(([name]) => /^encoder\..*bias$/.test(name));
  if (found?.[1].size !== 2 * latent) throw new Error('an encoder ends in means and deviations');
  const values = new Float32Array(2 * latent).fill(FIRST_LOG_STD, latent);
  return [found[1], values];
}
