// The flow of the page: couplings that take turns, beginning as the identity, and what is asked of it.
import { PLANE_ENTROPY, plane } from '../../src/data/plane.ts';
import {
  flows,
  type ImageDataset,
  input,
  nn,
  ops,
  type Tensor,
  type Variable,
} from '../../src/index.ts';
import { Random } from '../../src/random.ts';
import type { Plan, Runtime } from '../../src/scheduler/index.ts';
import { STREAMS } from '../../src/streams.ts';
import { replay } from '../lab/replay.ts';

export interface FlowSettings {
  readonly data: string;
  readonly depth: number;
  readonly width: number;
  readonly transform: 'affine' | 'spline';
  readonly rate: number;
}

type Bijection = flows.Bijection;
const { affine, Chain, Coupling, Flow, spline } = flows;
/** Splines bend what lies within this. */
const BOUND = 4;

export function flowOf({ depth, width, transform }: FlowSettings) {
  const transformer = transform === 'affine' ? affine() : spline({ bound: BOUND });
  const parts = Array.from(
    { length: depth },
    (_, i) =>
      new Coupling({
        shape: [2],
        transformer,
        net: ([from = 0], [to = 0]) =>
          new nn.MLP([from, width, width, to], 'relu', { zeroOutput: true }),
        flip: i % 2 === 1,
      }),
  );
  return { parts, flow: new Flow(new Chain(parts)) };
}

export interface PlaneData {
  readonly set: ImageDataset;
  /** Nats that no density of these points can go below in the mean, where that is known. */
  readonly entropy: number | undefined;
}

/** Points of a density, moved to the middle and scaled to deviations of 1 together. */
export function standardized(name: string, count: number): PlaneData {
  const set = plane(name, { count });
  const raw = set.data as Float32Array;
  const mean = [0, 1].map((d) => {
    let sum = 0;
    for (let i = d; i < raw.length; i += 2) sum += raw[i] as number;
    return sum / count;
  });
  const centred = raw.map((value, i) => value - (mean[i % 2] as number));
  const deviation = Math.sqrt(centred.reduce((sum, value) => sum + value * value, 0) / raw.length);
  const entropy = PLANE_ENTROPY[name];
  return {
    set: { ...set, data: centred.map((value) => value / deviation) },
    entropy: entropy === undefined ? undefined : entropy - 2 * Math.log(deviation),
  };
}

/** Lines of the grid in each direction, how far they reach, and points of each. */
export const GRID = { lines: 15, reach: 2.8, points: 57 } as const;
export const SAMPLES = 700;
/** Cells of the density's picture, as wide as the widest canvas, and how far it reaches up. */
export const DENSITY = { columns: 96, rows: 58, reach: 3 } as const;
const TRIED = 64;

const GRID_POINTS = 2 * GRID.lines * GRID.points;

export interface Certified {
  /** The largest |inverse(forward(z)) - z|. */
  readonly inversion: number;
  /** The largest |log det forward - log |det| of the Jacobian|, in nats. */
  readonly logDet: number;
}

type Program = Parameters<Runtime['compile']>[0];

/** Plans that share their parameters with the training step, each made when it is first needed. */
export class FlowLens {
  readonly runtime: Runtime;
  private readonly made: ReturnType<typeof flowOf>;
  private readonly plans = new Map<string, Promise<Plan>>();
  private readonly noise = input('noise', [GRID_POINTS + SAMPLES, 2]);
  private readonly places = input('places', [DENSITY.columns * DENSITY.rows, 2]);
  private readonly tried = input('tried', [TRIED, 2]);

  constructor(runtime: Runtime, made: ReturnType<typeof flowOf>) {
    this.runtime = runtime;
    this.made = made;
    runtime.write(this.places, placesOfPicture());
    runtime.write(this.tried, gaussians(TRIED, 5));
  }

  /** What a program tells of the model as it is, output by output. */
  private async told(name: string, program: () => Program): Promise<Float32Array[]> {
    const { plans, runtime } = this;
    const found = plans.get(name) ?? runtime.compile(program());
    plans.set(name, found);
    const plan = await found;
    const values = await replay(plan, ...plan.schedule.outputs.keys());
    return values as Float32Array[];
  }

  /** The grid and draws after each layer, from the noise on: [depth + 1] of [n, 2]. */
  async layers(temperature: number): Promise<Float32Array[]> {
    const { noise, made, runtime } = this;
    const start = new Float32Array(noise.size);
    start.set(gridOfNoise());
    start.set(
      gaussians(SAMPLES, 3).map((value) => temperature * value),
      2 * GRID_POINTS,
    );
    runtime.write(noise, start);
    const after = await this.told('layers', () => {
      const outputs: Record<string, Tensor> = {};
      let value: Tensor = noise;
      for (const [i, part] of made.parts.entries()) {
        value = part.forward(value).value;
        outputs[String(i + 1)] = value;
      }
      return { outputs };
    });
    return [start, ...after];
  }

  /** log p at the places of the picture, row by row. */
  async density(): Promise<Float32Array> {
    const { places, made } = this;
    const [logProb] = await this.told('density', () => ({
      outputs: { logProb: made.flow.logProb(places) },
    }));
    return logProb as Float32Array;
  }

  async certificate(): Promise<Certified> {
    const program = () => certificateOf(this.made.flow, this.tried);
    const [inversion, logDet] = await this.told('certificate', program);
    return { inversion: inversion?.[0] as number, logDet: logDet?.[0] as number };
  }
}

/** There and back again, and log-determinants against the Jacobian that differentiation gives. */
function certificateOf({ bijection }: { bijection: Bijection }, z: Tensor): Program {
  const ahead = bijection.forward(z);
  const back = bijection.inverse(ahead.value);
  // ∂x/∂z, a row for each coordinate of x.
  const [a, b] = [0, 1].map((d) => {
    const [row] = ops.gradient(ops.sum(ops.slice(ahead.value, 1, d, d + 1)), [z as Variable]);
    if (!row) throw new Error('data follow from noise');
    return [0, 1].map((e) => ops.slice(row, 1, e, e + 1)) as [Tensor, Tensor];
  }) as [[Tensor, Tensor], [Tensor, Tensor]];
  const det = ops.sub(ops.mul(a[0], b[1]), ops.mul(a[1], b[0]));
  const jacobian = ops.reshape(ops.log(ops.abs(det)), [TRIED]);
  return {
    outputs: {
      inversion: ops.max(ops.abs(ops.sub(back.value, z))),
      logDet: ops.max(ops.abs(ops.sub(jacobian, ahead.logDet))),
    },
  };
}

function placesOfPicture(): Float32Array {
  const { columns, rows, reach } = DENSITY;
  const at = (i: number, count: number) => (reach / rows) * (2 * i + 1 - count);
  return Float32Array.from({ length: 2 * columns * rows }, (_, i) => {
    const cell = i >> 1;
    return i % 2 === 0 ? at(cell % columns, columns) : -at(Math.floor(cell / columns), rows);
  });
}

/** Lines across, and lines up: [2 · lines · points, 2]. */
function gridOfNoise(): Float32Array {
  const along = (i: number, count: number) => GRID.reach * ((2 * i) / (count - 1) - 1);
  const noise = new Float32Array(2 * GRID_POINTS);
  for (let line = 0; line < 2 * GRID.lines; line++) {
    const fixed = along(line % GRID.lines, GRID.lines);
    for (let i = 0; i < GRID.points; i++) {
      const moving = along(i, GRID.points);
      const point = line < GRID.lines ? [fixed, moving] : [moving, fixed];
      noise.set(point, 2 * (line * GRID.points + i));
    }
  }
  return noise;
}

function gaussians(count: number, seed: number): Float32Array {
  const random = new Random(seed, STREAMS.shownSamples, 0);
  return Float32Array.from({ length: 2 * count }, () => random.normal());
}
