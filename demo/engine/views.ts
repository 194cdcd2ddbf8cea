// What the page shows of a model: samples, reconstructions, an interpolation, a map of its codes, and what
// becomes of a drawing.
import { select, take } from '../../src/data/parts.ts';
import { Inference, type RowSource } from '../../src/index.ts';
import { Random } from '../../src/random.ts';
import { STREAMS } from '../../src/streams.ts';
import { CANDIDATES, INTERPOLATED, type PlaneChoice, type Report, SAMPLES } from '../protocol.ts';
import { CloudView } from './cloud.ts';
import { type Drawing, readDrawing } from './drawing.ts';
import { choosePlane, type Plane } from './plane.ts';
import type { Task } from './task.ts';
import { unitsOf } from './units.ts';

/** Held-out rows behind the map and the bars. */
const HELD_OUT = 500;
/** Images along one side of the manifold. */
const MANIFOLD_SIDE = 14;

export class Views {
  private readonly task: Task;
  private readonly tell: (report: Report) => void;
  private readonly latent: number;
  private readonly isStandard: boolean;
  private lens: Inference | undefined;
  /** Held-out rows as the encoder sees them, and their codes. */
  private readonly seen: RowSource;
  private readonly count: number;
  private codes: Float32Array;
  private candidates: number[] = [];
  private shuffles = 0;
  private plane: Plane | undefined;
  private choice: PlaneChoice = 'principal';
  private hasManifold = false;
  private extent = 3;
  private point: readonly [number, number] = [0, 0];
  private ends: readonly [number, number];
  private drawing: Drawing | undefined;
  /** Of data that are no images. */
  private readonly cloud: CloudView | undefined;

  constructor(task: Task, ends: readonly [number, number], tell: (report: Report) => void) {
    const { model, data } = task;
    const { code, draw } = model.can;
    if (!code || !draw) throw new Error('the page trains models with codes');
    this.task = task;
    this.tell = tell;
    this.ends = ends;
    this.latent = code.size;
    this.isStandard = code.isStandard;
    this.count = Math.min(HELD_OUT, data.heldOut.count);
    this.seen = kept(task.heldOut, this.count);
    this.codes = new Float32Array(this.count * this.latent);
    this.cloud =
      data.heldOut.shape.length === 1 ? new CloudView(task, this.count, tell) : undefined;
    this.chooseCandidates();
  }

  /** Everything to be renewed, in pieces: between them the session may do something else. */
  all(): (() => Promise<void>)[] {
    const { cloud } = this;
    return [
      () => this.showCodes(),
      () => this.showPoint(),
      ...(cloud
        ? [() => this.through((lens) => cloud.show(lens))]
        : [
            () => this.showSamples(),
            () => this.showReconstructions(),
            () => this.showInterpolation(),
          ]),
      ...(this.drawing ? [() => this.showDrawing()] : []),
      ...(this.hasManifold ? [() => this.showManifold()] : []),
    ];
  }

  setPlane(choice: PlaneChoice, hasManifold: boolean): void {
    if (choice !== this.choice) this.plane = undefined;
    this.choice = choice;
    this.hasManifold = hasManifold && !this.cloud;
  }

  setPoint(at: readonly [number, number]): void {
    this.point = at;
  }

  setEnds(from: number, to: number): void {
    this.ends = [from, to];
  }

  setDrawing(drawing: Drawing): void {
    this.drawing = drawing;
  }

  shuffle(): void {
    this.shuffles += 1;
    this.chooseCandidates();
  }

  /** A held-out image in place of a drawing, in grey. */
  pick(row: number): void {
    const at = Math.min(this.task.data.heldOut.count - 1, Math.max(0, row));
    const { labels } = this.task.data.heldOut;
    const image = this.grey([at]);
    this.tell({ type: 'picked', row: at, image, label: labels?.[at] });
  }

  /** Held-out rows as they are, not as a Bernoulli encoder is shown them. */
  private grey(rows: readonly number[]): Float32Array {
    const { data } = select(this.task.data.heldOut, rows);
    return data instanceof Uint8Array ? Float32Array.from(data, (x) => x / 255) : data.slice();
  }

  /** One held-out image of each class where there are ten, else any ten. */
  private chooseCandidates(): void {
    const { data, settings } = this.task;
    const { labels } = take(data.heldOut, this.count);
    const random = new Random(settings.seed, STREAMS.shownImages, this.shuffles);
    const rows = Array.from({ length: this.count }, (_, i) => i);
    for (let i = this.count - 1; i > 0; i--) {
      const j = random.integer(i + 1);
      [rows[i], rows[j]] = [rows[j] as number, rows[i] as number];
    }
    const ofEach = Array.from({ length: CANDIDATES }, (_, label) =>
      rows.find((row) => labels?.[row] === label),
    );
    this.candidates = ofEach.every((row) => row !== undefined) ? ofEach : rows.slice(0, CANDIDATES);
    if (this.cloud) return;
    this.tell({
      type: 'candidates',
      images: this.grey(this.candidates),
      labels: labels && this.candidates.map((row) => labels[row] as number),
    });
  }

  /** Works with the lens; where the device is lost, again with another one. */
  private through<T>(work: (lens: Inference) => Promise<T>): Promise<T> {
    const { trainer, model } = this.task;
    return trainer.protect((runtime) => {
      if (this.lens?.runtime !== runtime) this.lens = new Inference(runtime, model);
      return work(this.lens);
    });
  }

  private async showCodes(): Promise<void> {
    const { seen, count, latent } = this;
    const { mean, logStd } = await this.through((lens) => lens.encode(seen, count));
    this.codes = mean;
    this.plane = choosePlane(mean, latent, this.choice, this.plane);
    const points = this.plane.project(mean);
    const sizes = points.map(Math.abs).sort();
    // Room for all but the farthest codes, in steps, so that the map does not breathe.
    const reach = 1.1 * (sizes[Math.floor(0.995 * (sizes.length - 1))] as number);
    this.extent = Math.max(3, Math.ceil(2 * reach) / 2);
    // A copy: messages carry a view's whole memory along.
    const labels = seen.labels && Uint32Array.from(seen.labels).slice(0, count);
    this.tell({ type: 'codes', points, labels, extent: this.extent, latent });
    const units = unitsOf(mean, this.isStandard ? logStd : undefined, latent);
    this.tell({ type: 'units', ...units });
  }

  /** Classes that conditional models are told where nobody says any: those of the candidates in turn. */
  private labelled(count: number): { labels?: readonly number[] } {
    const { labels } = this.seen;
    if (!this.task.model.can.condition || !labels) return {};
    const of = (i: number) => labels[this.candidates[i % this.candidates.length] as number];
    return { labels: Array.from({ length: count }, (_, i) => of(i) as number) };
  }

  async showPoint(): Promise<void> {
    const { plane, point, cloud, task } = this;
    if (!plane) return;
    const code = plane.lift(point);
    const image = await this.through((lens) => lens.decode(code, 1, 'mean', 0, this.labelled(1)));
    const [row] = task.table?.of(image, 1) ?? [];
    this.tell({ type: 'decoded', image: cloud ? cloud.place(image) : image, at: point, row });
  }

  /** The same draws of the prior for as long as the model lives: one sees each of them improve. */
  private async showSamples(): Promise<void> {
    const { seed } = this.task.settings;
    const images = await this.through((lens) => lens.sample(SAMPLES, 'mean', seed));
    this.tell({ type: 'samples', images });
  }

  async showReconstructions(): Promise<void> {
    if (this.cloud) return;
    const codes = this.codesOf(this.candidates);
    const { length } = this.candidates;
    const images = await this.through((lens) =>
      lens.decode(codes, length, 'mean', 0, this.labelled(length)),
    );
    this.tell({ type: 'reconstructions', images });
  }

  async showInterpolation(): Promise<void> {
    if (this.cloud) return;
    const { latent, ends } = this;
    const [from, to] = ends.map((i) => this.codesOf([this.candidates[i] as number]));
    const codes = Float32Array.from({ length: INTERPOLATED * latent }, (_, i) => {
      const t = Math.floor(i / latent) / (INTERPOLATED - 1);
      return (1 - t) * (from?.[i % latent] as number) + t * (to?.[i % latent] as number);
    });
    // A conditional model draws the styles between as what the first image is.
    const { labels } = this.labelled(CANDIDATES);
    const told = labels && { labels: Array(INTERPOLATED).fill(labels[ends[0]]) };
    const images = await this.through((lens) =>
      lens.decode(codes, INTERPOLATED, 'mean', 0, told ?? {}),
    );
    this.tell({ type: 'interpolation', images });
  }

  /** The drawing's code, and what it decodes to: as what it is, and as every other class. */
  async showDrawing(): Promise<void> {
    const { drawing, plane, task } = this;
    if (!drawing || !plane) return;
    const found = await this.through((lens) => readDrawing(lens, task.model, drawing));
    const [u = 0, v = 0] = plane.project(found.mean);
    this.tell({ type: 'drawn', image: found.again, at: [u, v], others: found.others });
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
    const { labels } = this.labelled(1);
    const told = labels && { labels: Array(side * side).fill(labels[0]) };
    const images = await this.through((lens) =>
      lens.decode(plane.lift(points), side * side, 'mean', 0, told ?? {}),
    );
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

/** The same rows, drawn as 0 or 1 once. */
function kept(rows: RowSource, count: number): RowSource {
  const all = rows(0, count);
  const width = all.length / count;
  const part = (start: number, end: number) => all.subarray(start * width, end * width);
  const { labels, mask } = rows;
  return Object.assign(part, { ...(labels && { labels }), ...(mask && { mask }) });
}
