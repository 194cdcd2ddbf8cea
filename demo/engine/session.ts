// The training session: takes requests in turn, and between them trains in short slices and looks
// at what the model has become. Runs in a worker, or in the page where a worker has no WebGPU.
import { select, take } from '../../src/data/dataset.ts';
import {
  binarizedRows,
  buildModel,
  digits,
  type ImageDataset,
  isLatentGpuError,
  LatentGpuError,
  type ModelConfig,
  modelJson,
  objectives,
  ops,
  optim,
  outputBias,
  readWeights,
  Trainer,
  unpackParameters,
  type Vae,
  type Variable,
  variable,
  writeWeights,
} from '../../src/index.ts';
import { Random } from '../../src/random.ts';
import {
  type Activity,
  CANDIDATES,
  INTERPOLATED,
  type PlaneChoice,
  type Report,
  type Request,
  SAMPLES,
  type Settings,
} from '../protocol.ts';
import { type DataSplit, readDropped } from './files.ts';
import { Lens } from './lens.ts';
import { choosePlane, type Plane } from './plane.ts';

/** Training goes on this long before the session listens again. */
const SLICE_MS = 200;
/** After a touch of the map, slices are single steps for so long. */
const ATTENTION_MS = 250;
/** The views are renewed no more often than this, and for at most a quarter of the time. */
const LOOK_MS = 500;
/** Held-out images behind the map and the bars. */
const HELD_OUT = 500;
/** Images along one side of the manifold. */
const MANIFOLD_SIDE = 14;
const BUILT_IN = { train: 6000, heldOut: 600 };
/** Random streams of the session's own draws. */
const STREAM = { samples: 201, candidates: 202 };

/** Requests of which only the latest counts. */
const REPLACING: readonly Request['type'][] = ['point', 'tune', 'interpolate', 'plane', 'train'];

export function serve(port: MessagePort): void {
  const session = new Session((report) => port.postMessage(report));
  port.onmessage = ({ data }) => session.ask(data as Request);
}

class Session {
  private readonly tell: (report: Report) => void;
  private queue: Request[] = [];
  private wake: () => void = () => {};

  private settings: Settings | undefined;
  private data: DataSplit | undefined;
  private isBuiltIn = true;
  private model: Vae | undefined;
  private config: ModelConfig | undefined;
  private trainer: Trainer | undefined;
  private lens: Lens | undefined;
  private rate: Variable | undefined;
  private beta: Variable | undefined;

  private wanted = false;
  private hidden = false;
  private activity: Activity | undefined;
  private stepMs = 0;

  /** Held-out images as the encoder sees them, and their codes. */
  private seen: Float32Array = new Float32Array();
  private labels: ArrayLike<number> | undefined;
  private codes: Float32Array = new Float32Array();
  private candidates: number[] = [];
  private shuffles = 0;
  private samples = new Float32Array();
  private plane: Plane | undefined;
  private choice: PlaneChoice = 'principal';
  private manifold = false;
  private extent = 3;
  private point: readonly [number, number] = [0, 0];
  private ends: readonly [number, number] = [0, 1];

  /** Views still to be renewed, and when the next renewal may begin. */
  private views: (() => Promise<void>)[] = [];
  private isStale = false;
  private lookAt = 0;
  private lookMs = 0;
  private attentionUntil = 0;

  constructor(tell: (report: Report) => void) {
    this.tell = tell;
    void this.live();
  }

  ask(request: Request): void {
    if (REPLACING.includes(request.type)) {
      this.queue = this.queue.filter(({ type }) => type !== request.type);
    }
    this.queue.push(request);
    this.wake();
  }

  private async live(): Promise<never> {
    for (;;) {
      try {
        await this.turn();
      } catch (error) {
        this.fail(error);
      }
    }
  }

  private async turn(): Promise<void> {
    const request = this.queue.shift();
    if (request) return this.handle(request);
    const now = performance.now();
    if (this.trainer && !this.hidden) {
      if (this.isStale && this.views.length === 0 && now >= this.lookAt) this.beginLook();
      const view = this.views.shift();
      if (view) return this.look(view);
      if (this.wanted) return this.train();
    }
    const pause = this.isStale && !this.hidden ? this.lookAt - now : 60_000;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, pause));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async handle(request: Request): Promise<void> {
    switch (request.type) {
      case 'open':
      case 'reset':
        this.settings = request.settings;
        return this.build();
      case 'train':
        this.wanted = request.on;
        return this.show();
      case 'hidden':
        this.hidden = request.hidden;
        return this.show();
      case 'tune':
        return this.tune(request.rate, request.beta);
      case 'plane':
        this.choice = request.choice;
        this.manifold = request.manifold;
        this.plane = undefined;
        this.beginLook();
        return;
      case 'point':
        this.point = request.at;
        this.attentionUntil = performance.now() + ATTENTION_MS;
        return this.viewPoint();
      case 'interpolate':
        this.ends = [request.from, request.to];
        return this.viewInterpolation();
      case 'shuffle':
        this.shuffles += 1;
        this.chooseCandidates();
        await this.viewReconstructions();
        return this.viewInterpolation();
      case 'digits':
        this.data = undefined;
        return this.build();
      case 'files':
        return this.open(request.files);
      case 'save':
        return this.save();
      case 'lose':
        this.trainer?.runtime.device.lose();
        this.isStale = true;
        return;
    }
  }

  private show(activity?: Activity): void {
    const now =
      activity ??
      (this.wanted
        ? this.hidden
          ? 'hidden'
          : 'training'
        : this.trainer && this.trainer.step > 0
          ? 'paused'
          : 'ready');
    if (now === this.activity) return;
    this.activity = now;
    this.tell({ type: 'activity', activity: now });
  }

  private fail(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.wanted = false;
    this.views = [];
    this.isStale = false;
    if (isLatentGpuError(error, 'not-finite') && this.trainer?.lastState) {
      this.trainer.restore(this.trainer.lastState);
      this.notice('error', `${text.split(';')[0]}. Back at the last good step: lower the rate.`);
      this.show();
      return;
    }
    const isFatal = ['no-adapter', 'device-lost'].some((code) =>
      isLatentGpuError(error, code as LatentGpuError['code']),
    );
    if (isFatal || !this.trainer) {
      const code = isLatentGpuError(error) ? error.code : undefined;
      this.tell({ type: 'failed', code, text });
      this.show('failed');
      return;
    }
    this.notice('error', text);
    this.show();
  }

  private notice(tone: 'info' | 'error', text: string): void {
    this.tell({ type: 'notice', tone, text });
  }

  // What is trained.

  /** Starts over: data if there are none, a model, its training step, the plans of the views. */
  private async build(loaded?: { config: ModelConfig; weights: Uint8Array }): Promise<void> {
    this.show('preparing');
    this.wanted = false;
    this.views = [];
    this.isBuiltIn = this.data === undefined || this.data.train.name === 'digits';
    this.data ??= builtIn();
    const { train } = this.data;
    const asked = this.settings as Settings;
    const settings = { ...asked, batch: Math.min(asked.batch, train.count) };
    const config = loaded?.config ?? vaeConfig(settings, train);
    const model = buildModel(config) as Vae;
    const values = loaded && readWeights(model, loaded.weights).values;
    const rate = liveScalar('rate', () => (this.settings as Settings).rate);
    const beta = liveScalar('beta', () => (this.settings as Settings).beta);
    const binarize = config.likelihood.kind === 'bernoulli' ? 'resampled' : 'none';
    const initial =
      values ?? (binarize === 'none' ? undefined : new Map([outputBias(model, train, binarize)]));
    this.trainer?.destroy();
    this.trainer = undefined;
    const trainer = await Trainer.create({
      model,
      data: train,
      batch: settings.batch,
      binarize,
      seed: settings.seed,
      optimizer: optim.adam({ lr: () => rate }),
      ...(initial && { initial }),
      loss: (x) => {
        const { bound, reconstruction, kl } = objectives.elbo(model, x, { beta });
        return {
          loss: ops.neg(ops.mean(bound)),
          metrics: { reconstruction: ops.neg(ops.mean(reconstruction)), kl: ops.mean(kl) },
        };
      },
    });
    Object.assign(this, { settings, model, config, trainer, rate, beta });
    this.lens = undefined;
    this.plane = undefined;
    this.choice = 'principal';
    this.stepMs = 0;
    this.point = [0, 0];
    this.prepareViews(this.data, settings, model);
    const { name, isSoftware } = trainer.runtime.device.adapter;
    this.tell({
      type: 'ready',
      adapter: { name, isSoftware },
      data: {
        name: train.name,
        count: train.count,
        heldOut: this.data.heldOut.count,
        shape: train.shape,
        isBuiltIn: this.isBuiltIn,
      },
      settings,
      parameters: model.parameterCount(),
    });
    this.chooseCandidates();
    this.beginLook();
    this.show();
  }

  private async tune(rate: number, beta: number): Promise<void> {
    this.settings = { ...(this.settings as Settings), rate, beta };
    await this.trainer?.protect(async (runtime) => {
      runtime.write(this.rate as Variable, [rate]);
      runtime.write(this.beta as Variable, [beta]);
    });
  }

  private async train(): Promise<void> {
    const trainer = this.trainer as Trainer;
    const isWatched = performance.now() < this.attentionUntil;
    const wanted = this.stepMs > 0 && !isWatched ? Math.round(SLICE_MS / this.stepMs) : 1;
    const before = trainer.step;
    const began = performance.now();
    const report = await trainer.run(Math.max(1, wanted));
    const steps = trainer.step - before;
    const ms = (performance.now() - began) / Math.max(1, steps);
    // The first step also warms everything up, and single steps pay for a whole report.
    if (before > 0 && !(isWatched && this.stepMs > 0)) {
      this.stepMs = this.stepMs === 0 ? ms : 0.8 * this.stepMs + 0.2 * ms;
    }
    const { loss = 0, reconstruction = 0, kl = 0 } = report.metrics;
    const stepsPerSecond = this.stepMs > 0 ? 1000 / this.stepMs : 0;
    this.tell({
      type: 'progress',
      step: report.step,
      epoch: report.epoch,
      loss,
      reconstruction,
      kl,
      stepsPerSecond,
      imagesPerSecond: stepsPerSecond * (this.settings as Settings).batch,
    });
    this.isStale = true;
  }

  // Files.

  private async open(files: readonly File[]): Promise<void> {
    let dropped: Awaited<ReturnType<typeof readDropped>>;
    try {
      dropped = await readDropped(files);
      if (dropped.kind === 'model') checkLoadable(dropped.config, this.data?.train);
    } catch (error) {
      // A file that is no use is no reason to stop what runs.
      return this.notice('error', error instanceof Error ? error.message : String(error));
    }
    if (dropped.kind === 'data') {
      this.data = dropped.data;
      await this.build();
      return this.notice('info', `${dropped.data.train.name} is open. It never leaves this page.`);
    }
    const { config } = dropped;
    this.settings = {
      ...(this.settings as Settings),
      latent: config.latent,
      hidden: config.encoder.hidden,
      beta: config.objective?.kind === 'elbo' ? config.objective.beta : 1,
    };
    await this.build(dropped);
    this.notice('info', 'The saved model is open; training goes on from its weights.');
  }

  private async save(): Promise<void> {
    const { trainer, model, config, settings } = this;
    const flat = trainer?.lastState?.tensors.get('parameters');
    if (!model || !config || !settings || !(flat instanceof Float32Array)) {
      return this.notice('error', 'there is no model to save; Reset makes a new one');
    }
    const objective = { kind: 'elbo', samples: 1, kl: 'analytic', beta: settings.beta } as const;
    const json = new TextEncoder().encode(modelJson({ ...config, objective }));
    const weights = writeWeights(unpackParameters(model, flat));
    this.tell({
      type: 'saved',
      files: [
        { name: 'model.json', bytes: json },
        { name: 'weights.safetensors', bytes: weights as Uint8Array<ArrayBuffer> },
      ],
    });
  }

  // What is shown.

  private prepareViews({ heldOut }: DataSplit, settings: Settings, model: Vae): void {
    const shown = take(heldOut, Math.min(HELD_OUT, heldOut.count));
    const isBernoulli = model.config.likelihood.kind === 'bernoulli';
    this.seen = binarizedRows(shown, 0, shown.count, isBernoulli ? 'resampled' : 'none', 1);
    // A copy: messages carry a view's whole memory along.
    this.labels = shown.labels?.slice();
    // The same draws from the prior for as long as the model lives: one sees each of them improve.
    const random = new Random(settings.seed, STREAM.samples, 0);
    this.samples = Float32Array.from({ length: SAMPLES * settings.latent }, () => normal(random));
  }

  /** One held-out image of each class where there are ten, else any ten. */
  private chooseCandidates(): void {
    const { heldOut } = this.data as DataSplit;
    const count = Math.min(HELD_OUT, heldOut.count);
    const random = new Random((this.settings as Settings).seed, STREAM.candidates, this.shuffles);
    const { labels } = this;
    const rows = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = random.integer(i + 1);
      [rows[i], rows[j]] = [rows[j] as number, rows[i] as number];
    }
    const ofEach = Array.from({ length: CANDIDATES }, (_, label) =>
      rows.find((row) => labels?.[row] === label),
    );
    this.candidates = ofEach.every((row) => row !== undefined) ? ofEach : rows.slice(0, CANDIDATES);
    const chosen = select(heldOut, this.candidates);
    this.tell({
      type: 'candidates',
      images: binarizedRows(chosen, 0, chosen.count, 'none', 0),
      labels: chosen.labels && Array.from(chosen.labels),
    });
  }

  private beginLook(): void {
    this.isStale = false;
    this.lookMs = 0;
    this.views = [
      () => this.viewCodes(),
      () => this.viewPoint(),
      () => this.viewSamples(),
      () => this.viewReconstructions(),
      () => this.viewInterpolation(),
      ...(this.manifold ? [() => this.viewManifold()] : []),
    ];
  }

  private async look(view: () => Promise<void>): Promise<void> {
    const began = performance.now();
    await view();
    const now = performance.now();
    this.lookMs += now - began;
    if (this.views.length === 0) this.lookAt = now + Math.max(LOOK_MS, 3 * this.lookMs);
  }

  /** Works with the lens; where the device is lost, again with another one. */
  private through<T>(work: (lens: Lens) => Promise<T>): Promise<T> {
    const trainer = this.trainer as Trainer;
    return trainer.protect(async (runtime) => {
      if (this.lens?.runtime !== runtime) {
        const wasLost = this.lens !== undefined;
        this.lens = await Lens.open(runtime, this.model as Vae);
        if (wasLost) {
          this.notice('info', `The GPU was lost and replaced; back at step ${trainer.step}.`);
        }
      }
      return work(this.lens);
    });
  }

  private async viewCodes(): Promise<void> {
    const { seen, labels } = this;
    const { latent } = (this.model as Vae).config;
    const count = seen.length / (this.model as Vae).features;
    const { mean, logStd } = await this.through((lens) => lens.encode(seen, count));
    this.codes = mean;
    this.plane = choosePlane(mean, latent, this.choice, this.plane);
    const points = this.plane.project(mean);
    const sizes = points.map(Math.abs).sort();
    // Room for all but the farthest codes, in steps, so that the map does not breathe.
    const reach = 1.1 * (sizes[Math.floor(0.995 * (sizes.length - 1))] as number);
    this.extent = Math.max(3, Math.ceil(2 * reach) / 2);
    this.tell({ type: 'codes', points, labels, extent: this.extent, latent });
    this.tell({ type: 'units', ...units(mean, logStd, latent) });
  }

  private async viewPoint(): Promise<void> {
    const { plane, point } = this;
    if (!plane) return;
    const image = await this.through((lens) => lens.decode(plane.lift(point), 1));
    this.tell({ type: 'decoded', image, at: point });
  }

  private async viewSamples(): Promise<void> {
    const images = await this.through((lens) => lens.decode(this.samples, SAMPLES));
    this.tell({ type: 'samples', images });
  }

  private async viewReconstructions(): Promise<void> {
    const codes = this.codesOf(this.candidates);
    const images = await this.through((lens) => lens.decode(codes, this.candidates.length));
    this.tell({ type: 'reconstructions', images });
  }

  private async viewInterpolation(): Promise<void> {
    const { latent } = (this.model as Vae).config;
    const [from, to] = this.ends.map((i) => this.codesOf([this.candidates[i] as number]));
    const codes = Float32Array.from({ length: INTERPOLATED * latent }, (_, i) => {
      const t = Math.floor(i / latent) / (INTERPOLATED - 1);
      return (1 - t) * (from?.[i % latent] as number) + t * (to?.[i % latent] as number);
    });
    const images = await this.through((lens) => lens.decode(codes, INTERPOLATED));
    this.tell({ type: 'interpolation', images });
  }

  private async viewManifold(): Promise<void> {
    const { plane, extent } = this;
    if (!plane) return;
    const side = MANIFOLD_SIDE;
    const at = (i: number) => extent * ((2 * i + 1) / side - 1);
    const points = Array.from({ length: side * side }, (_, i) => [
      at(i % side),
      -at(Math.floor(i / side)),
    ]).flat();
    const images = await this.through((lens) => lens.decode(plane.lift(points), side * side));
    this.tell({ type: 'manifold', images, side, extent });
  }

  /** Posterior means of held-out rows. */
  private codesOf(rows: readonly number[]): Float32Array {
    const { latent } = (this.model as Vae).config;
    const result = new Float32Array(rows.length * latent);
    rows.forEach((row, i) => {
      result.set(this.codes.subarray(row * latent, (row + 1) * latent), i * latent);
    });
    return result;
  }
}

/**
 * A number that the GPU reads and the page sets: a slider acts at once, without another compilation.
 * On a new device it begins with what the slider says then.
 */
function liveScalar(name: string, now: () => number): Variable {
  return variable(name, [], { role: 'input', init: () => [now()] });
}

function builtIn(): DataSplit {
  return {
    train: digits({ count: BUILT_IN.train }),
    heldOut: digits({ count: BUILT_IN.heldOut, split: 'test' }),
  };
}

function vaeConfig(settings: Settings, { name, shape }: ImageDataset): ModelConfig {
  const { hidden, latent, beta } = settings;
  return {
    family: 'vae',
    data: { shape, name },
    encoder: { hidden: [...hidden], activation: 'relu' },
    latent,
    decoder: { hidden: [...hidden].reverse(), activation: 'relu' },
    likelihood: { kind: 'bernoulli' },
    objective: { kind: 'elbo', samples: 1, kl: 'analytic', beta },
    init: 'torch',
  };
}

/** @throws LatentGpuError `bad-input` if this page cannot show the model, or lacks data for it */
function checkLoadable({ family, data }: ModelConfig, current: ImageDataset | undefined): void {
  if (family !== 'vae') {
    throw new LatentGpuError(
      'bad-input',
      `this page trains models of family vae, and the saved one is of family ${family}`,
    );
  }
  if (current && data.shape.join() !== current.shape.join()) {
    throw new LatentGpuError(
      'bad-input',
      `the saved model is for images of [${data.shape}] and the data here are [${current.shape}]; ` +
        'drop the data it was trained on first',
    );
  }
}

/** Box and Muller. */
function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
  return radius * Math.cos(2 * Math.PI * random.uniform());
}

/** For each dimension the mean KL(q ‖ N(0, 1)) in nats, and the variance of the posterior mean. */
function units(mean: Float32Array, logStd: Float32Array, latent: number) {
  const count = mean.length / latent;
  const kl = new Float64Array(latent);
  const first = new Float64Array(latent);
  const second = new Float64Array(latent);
  for (let i = 0; i < mean.length; i++) {
    const d = i % latent;
    const [mu, s] = [mean[i] as number, logStd[i] as number];
    kl[d] = (kl[d] as number) + (0.5 * (mu * mu + Math.exp(2 * s) - 1) - s) / count;
    first[d] = (first[d] as number) + mu / count;
    second[d] = (second[d] as number) + (mu * mu) / count;
  }
  return { kl, variance: second.map((value, d) => value - (first[d] as number) ** 2) };
}
