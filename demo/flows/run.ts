// A density learned live: slices of training, and between them a look at what the flow has become.
import { type Live, live, ops, optim, Trainer } from '../../src/index.ts';
import type { Run } from '../lab/chapter.ts';
import { Slices } from '../lab/slices.ts';
import { type Certified, FlowLens, type FlowSettings, flowOf, type PlaneData } from './model.ts';

const BATCH = 256;
/** Milliseconds from look to look, at least; and looking takes a third of the time at most. */
const LOOK_MS = 350;
/** What looks from the second on have kernels of their own for. */
const COMPILED = ['the density', 'the certificate'];

export interface Look {
  readonly step: number;
  readonly certified: Certified;
}

export class FlowRun implements Run {
  readonly data: PlaneData;
  readonly depth: number;
  /** Mean -log p(x) of each slice of training, in nats, and certificates, as they came. */
  readonly losses: (readonly [step: number, loss: number])[] = [];
  readonly looks: Look[] = [];
  /** The grid and draws after each layer. */
  layers: readonly Float32Array[] = [];
  logDensity: Float32Array | undefined;
  /** What kernels are being compiled for. */
  compiling: string | undefined;
  temperature = 1;
  private readonly trainer: Trainer;
  private readonly made: ReturnType<typeof flowOf>;
  private readonly rate: Live;
  private readonly changed: () => void;
  private readonly slices = new Slices();
  private lens: FlowLens | undefined;
  private lookAt = 0;
  private glances = 0;

  private constructor(
    data: PlaneData,
    made: ReturnType<typeof flowOf>,
    trainer: Trainer,
    rate: Live,
    changed: () => void,
  ) {
    this.data = data;
    this.made = made;
    this.depth = made.parts.length;
    this.trainer = trainer;
    this.rate = rate;
    this.changed = changed;
  }

  static async open(
    settings: FlowSettings,
    data: PlaneData,
    changed: () => void,
  ): Promise<FlowRun> {
    const made = flowOf(settings);
    const rate = live('rate', settings.rate);
    const trainer = await Trainer.create({
      model: made.flow,
      data: data.set,
      batch: BATCH,
      loss: ({ x }) => ({ loss: ops.neg(ops.mean(made.flow.logProb(x))) }),
      optimizer: optim.adam({ lr: () => rate.tensor }),
      clipNorm: 5,
      seed: 1,
    });
    const run = new FlowRun(data, made, trainer, rate, changed);
    await run.look();
    return run;
  }

  async turn(): Promise<boolean> {
    const { metrics, step } = await this.slices.run(this.trainer);
    this.losses.push([step, metrics.loss ?? Number.NaN]);
    if (performance.now() > this.lookAt) await this.look();
    return true;
  }

  async set(rate: number, temperature: number): Promise<void> {
    if (rate !== this.rate.value) await this.trainer.set(this.rate, rate);
    if (temperature === this.temperature) return;
    this.temperature = temperature;
    await this.look();
  }

  private async look(): Promise<void> {
    const { trainer, made } = this;
    const began = performance.now();
    await trainer.protect(async (runtime) => {
      if (this.lens?.runtime !== runtime) this.lens = new FlowLens(runtime, made);
      this.layers = await this.lens.layers(this.temperature);
      // Each needs kernels of its own when it is first looked at: one after the other, and what is there
      // is seen meanwhile.
      if (this.glances > 0 && this.glances <= COMPILED.length) {
        this.compiling = COMPILED[this.glances - 1];
        this.changed();
        await new Promise(requestAnimationFrame);
      }
      if (this.glances > 0) this.logDensity = await this.lens.density();
      if (this.glances > 1) {
        const certified = await this.lens.certificate();
        this.looks.push({ step: trainer.step, certified });
      }
    });
    this.compiling = undefined;
    this.glances += 1;
    const now = performance.now();
    this.lookAt = now + Math.max(LOOK_MS, 2 * (now - began));
    this.changed();
  }

  close(): void {
    this.trainer.destroy();
  }
}
