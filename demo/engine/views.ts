// What the page shows of a model: samples, reconstructions, an interpolation, a map of its codes.
import { select, take } from '../../src/data/dataset.ts';
import { binarizedRows } from '../../src/index.ts';
import { Random } from '../../src/random.ts';
import { STREAMS } from '../../src/streams.ts';
import { CANDIDATES, INTERPOLATED, type PlaneChoice, type Report, SAMPLES } from '../protocol.ts';
import { Lens } from './lens.ts';
import { choosePlane, type Plane } from './plane.ts';
import type { Task } from './task.ts';

/** Held-out images behind the map and the bars. */
const HELD_OUT = 500;
/** Images along one side of the manifold. */
const MANIFOLD_SIDE = 14;

export class Views {
  private readonly task: Task;
  private readonly tell: (report: Report) => void;
  private readonly latent: number;
  private lens: Lens | undefined;
  /** Held-out images as the encoder sees them, and their codes. */
  private readonly seen: Float32Array;
  private readonly labels: ArrayLike<number> | undefined;
  private codes: Float32Array;
  private candidates: number[] = [];
  private shuffles = 0;
  private readonly samples: Float32Array;
  private plane: Plane | undefined;
  private choice: PlaneChoice = 'principal';
  private hasManifold = false;
  private extent = 3;
  private point: readonly [number, number] = [0, 0];
  private ends: readonly [number, number];

  constructor(task: Task, ends: readonly [number, number], tell: (report: Report) => void) {
    const { model, data, settings } = task;
    const shown = take(data.heldOut, Math.min(HELD_OUT, data.heldOut.count));
    const isBernoulli = model.config.likelihood.kind === 'bernoulli';
    this.task = task;
    this.tell = tell;
    this.ends = ends;
    this.latent = model.latent;
    this.seen = binarizedRows(shown, 0, shown.count, isBernoulli ? 'resampled' : 'none', 1);
    // A copy: messages carry a view's whole memory along.
    this.labels = shown.labels?.slice();
    this.codes = new Float32Array(shown.count * this.latent);
    // The same draws from the prior for as long as the model lives: one sees each of them improve.
    const random = new Random(settings.seed, STREAMS.shownSamples, 0);
    this.samples = Float32Array.from({ length: SAMPLES * this.latent }, () => normal(random));
    this.chooseCandidates();
  }

  /** Everything to be renewed, in pieces: between them the session may do something else. */
  all(): (() => Promise<void>)[] {
    return [
      () => this.showCodes(),
      () => this.showPoint(),
      () => this.showSamples(),
      () => this.showReconstructions(),
      () => this.showInterpolation(),
      ...(this.hasManifold ? [() => this.showManifold()] : []),
    ];
  }

  setPlane(choice: PlaneChoice, hasManifold: boolean): void {
    if (choice !== this.choice) this.plane = undefined;
    this.choice = choice;
    this.hasManifold = hasManifold;
  }

  setPoint(at: readonly [number, number]): void {
    this.point = at;
  }

  setEnds(from: number, to: number): void {
    this.ends = [from, to];
  }

  shuffle(): void {
    this.shuffles += 1;
    this.chooseCandidates();
  }

  /** One held-out image of each class where there are ten, else any ten. */
  private chooseCandidates(): void {
    const { data, settings } = this.task;
    const count = Math.min(HELD_OUT, data.heldOut.count);
    const random = new Random(settings.seed, STREAMS.shownImages, this.shuffles);
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
    const chosen = select(data.heldOut, this.candidates);
    this.tell({
      type: 'candidates',
      images: binarizedRows(chosen, 0, chosen.count, 'none', 0),
      labels: chosen.labels && Array.from(chosen.labels),
    });
  }

  /** Works with the lens; where the device is lost, again with another one. */
  private through<T>(work: (lens: Lens) => Promise<T>): Promise<T> {
    const { trainer, model } = this.task;
    return trainer.protect(async (runtime) => {
      if (this.lens?.runtime !== runtime) this.lens = await Lens.open(runtime, model);
      return work(this.lens);
    });
  }

  private async showCodes(): Promise<void> {
    const { seen, labels, latent } = this;
    const count = seen.length / this.task.model.features;
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

  async showPoint(): Promise<void> {
    const { plane, point } = this;
    if (!plane) return;
    const image = await this.through((lens) => lens.decode(plane.lift(point), 1));
    this.tell({ type: 'decoded', image, at: point });
  }

  private async showSamples(): Promise<void> {
    const images = await this.through((lens) => lens.decode(this.samples, SAMPLES));
    this.tell({ type: 'samples', images });
  }

  async showReconstructions(): Promise<void> {
    const codes = this.codesOf(this.candidates);
    const images = await this.through((lens) => lens.decode(codes, this.candidates.length));
    this.tell({ type: 'reconstructions', images });
  }

  async showInterpolation(): Promise<void> {
    const { latent } = this;
    const [from, to] = this.ends.map((i) => this.codesOf([this.candidates[i] as number]));
    const codes = Float32Array.from({ length: INTERPOLATED * latent }, (_, i) => {
      const t = Math.floor(i / latent) / (INTERPOLATED - 1);
      return (1 - t) * (from?.[i % latent] as number) + t * (to?.[i % latent] as number);
    });
    const images = await this.through((lens) => lens.decode(codes, INTERPOLATED));
    this.tell({ type: 'interpolation', images });
  }

  private async showManifold(): Promise<void> {
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
    const { latent } = this;
    const result = new Float32Array(rows.length * latent);
    rows.forEach((row, i) => {
      result.set(this.codes.subarray(row * latent, (row + 1) * latent), i * latent);
    });
    return result;
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
