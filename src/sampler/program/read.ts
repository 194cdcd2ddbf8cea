// `program.json`, checked: it fits together, and nothing takes more memory or steps than its file may ask for.
import { LatentGpuError } from '../../errors.ts';
import type { Take } from '../folder.ts';
import { sizeOf } from '../network.ts';
import type { ProgramJson, ProgramKernel, ProgramPart, Streams } from './format.ts';
import { type Node, nodesOf } from './nodes.ts';
import { KINDS } from './noise.ts';
import { fits, isWhole, type Shape } from './shapes.ts';

/** Numbers that a row may take in all, of what is computed. */
const MOST_NUMBERS = 2 ** 26;
/** Products of numbers that a row may take. */
const MOST_WORK = 2 ** 38;

/** What is computed, inputs first, and the effects at the end. */
export interface Leg {
  readonly nodes: readonly number[];
  readonly effects: readonly number[];
}

export interface Part {
  readonly legs: readonly Leg[];
  readonly order: ProgramPart['order'];
  readonly out: number;
  readonly end: Leg;
}

export interface Program extends Omit<ProgramJson, 'nodes' | 'parts' | 'kernels'> {
  readonly nodes: readonly Node[];
  readonly kernels: ReadonlyMap<number, ProgramKernel>;
  readonly parts: Readonly<Record<keyof ProgramJson['parts'], Part | undefined>>;
  readonly weights: ReadonlyMap<number, Float32Array>;
  /** Numbers, and products of them, that a row takes. */
  readonly numbers: number;
  readonly work: number;
}

/**
 * @param name what to call the file in errors
 * @param features numbers of a data point
 * @throws LatentGpuError `bad-format`; what `take` throws
 */
export function readProgram(text: string, name: string, features: number, take: Take): Program {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  let json: ProgramJson;
  try {
    json = JSON.parse(text);
  } catch {
    throw bad('not JSON, so this is no program');
  }
  if (json?.version !== 1) {
    throw bad(`version is ${JSON.stringify(json?.version)}; this runtime plays version 1`);
  }
  const weights = new Map<number, Float32Array>();
  let numbers = 0;
  let work = 0;
  try {
    const nodes = nodesOf(json.nodes);
    nodes.forEach(({ op, inputs, shape }) => {
      const size = Math.abs(sizeOf(shape));
      if (op !== 'w') numbers += size;
      if (op === 'linear') work += Math.abs(size * nodes[inputs[0]!]!.shape.at(-1)!);
    });
    fits(numbers < MOST_NUMBERS && work < MOST_WORK);
    const parts = Object.fromEntries(
      (['codes', 'clusters', 'mean', 'draw'] as const).map((key) => [
        key,
        json.parts[key] && readPart(json.parts[key], nodes, features),
      ]),
    ) as Program['parts'];
    checkRest(json, nodes, parts, features);
    const kernels = new Map(json.kernels.map((kernel) => [kernel[0], kernel]));
    nodes.forEach(({ op, rest, shape }, i) => {
      if (op === 'w') weights.set(i, take(rest[0]!, shape));
    });
    return { ...json, nodes, kernels, parts, weights, numbers, work };
  } catch (error) {
    if (error instanceof LatentGpuError) throw error;
    throw bad('its parts do not fit together; export the model again');
  }
}

/** Nodes that others need, inputs first; weights are there. */
function neededBy(roots: readonly number[], nodes: readonly Node[]): number[] {
  const seen = new Set(roots);
  // Inputs come before: what is added is met later on.
  for (let i = nodes.length - 1; i >= 0; i--) {
    if (seen.has(i)) for (const input of nodes[i]!.inputs) seen.add(input);
  }
  return [...seen].sort((a, b) => a - b).filter((i) => nodes[i]!.op !== 'w');
}

function readPart(
  { legs: listed, order, out }: ProgramPart,
  nodes: readonly Node[],
  features: number,
): Part {
  const isEffect = (i: number) => ['assign', 'scatter'].includes(nodes[i]!.op);
  const legs = listed.map((effects) => {
    fits(effects.every((i) => isEffect(i) && nodes[nodes[i]!.inputs[0]!]!.op === 'state'));
    // The state that an effect writes need not be read.
    const read = effects.flatMap((i) => nodes[i]!.inputs.slice(1));
    return { effects, nodes: neededBy(read, nodes) };
  });
  const most = Math.max(1, features);
  fits(order.every(([leg, times]) => leg in legs && isWhole(times) && times > 0 && times <= most));
  const end = { effects: [], nodes: neededBy([out], nodes) };
  fits(![...legs, end].some((leg) => leg.nodes.some(isEffect)));
  return { legs, order, out, end };
}

function checkRest(
  json: ProgramJson,
  nodes: readonly Node[],
  parts: Program['parts'],
  features: number,
): void {
  const { rows, stride, latent, classes = [], clusters = 0, layers = [], orders = 1 } = json;
  const { streams } = json;
  fits(
    [rows, stride, orders, latent + 1, clusters + 1, ...layers].every((n) => isWhole(n) && n > 0),
  );
  fits(classes.every((each) => typeof each === 'string'));
  const wanted: Record<string, Shape> = {
    z: [-1, latent],
    labels: [-1],
    chosen: [-1, clusters],
    temperature: [],
    temperatures: [layers.length],
    order: [1],
  };
  for (const { op, rest, shape } of nodes) {
    if (op === 'in') fits(`${shape}` === `${wanted[rest[0]!]}`);
    if (op === 'noise') fits(Object.hasOwn(KINDS, rest[0]!));
  }
  fits(parts.mean || parts.draw);
  for (const [key, part] of Object.entries(parts)) {
    const width = key === 'codes' || key === 'clusters' ? latent : features;
    if (part) fits(`${nodes[part.out]!.shape}` === `${[-1, width]}`);
  }
  for (const list of Object.values(streams) as Streams[]) {
    fits(list.every(([node, stream]) => nodes[node]!.op === 'noise' && isWhole(stream)));
  }
}
