// A model's draws as a program for the small runtime, and the weights that it reads.
import type { WritableTensor } from '../../formats/safetensors.ts';
import type { Variable } from '../../graph/variable.ts';
import { BLOCK, rowsAtOnce } from '../../models/index.ts';
import type { ProgramJson, ProgramPart } from '../../sampler/program/format.ts';
import { nodesOf } from '../../sampler/program/nodes.ts';
import { rowsFor } from '../graphs.ts';
import { HELPERS } from './expressions.ts';
import { kernelsOf } from './kernels.ts';
import { Lowering } from './lowering.ts';
import { PartBuilder, type ProgramSource } from './parts.ts';
import { pruned } from './prune.ts';
import { TABLE } from './table.ts';

export interface Program {
  readonly json: ProgramJson;
  /** Indices among them have to keep all their bits. */
  readonly tensors: ReadonlyMap<string, WritableTensor & { readonly isIndex: boolean }>;
}

/** Draws of noise, one after the other. */
const stepsOf = (part: ProgramPart | undefined): number =>
  part?.order.reduce((sum, [, times]) => sum + times, 0) ?? 1;

/** @throws LatentGpuError `bad-input` for what the small runtime does not play, as the end of a sentence */
export function programOf(source: ProgramSource): Program {
  const { model, prior } = source;
  const names = new Map<Variable, string>();
  for (const list of [model.namedParameters(), model.namedBuffers()]) {
    for (const [name, variable] of list) names.set(variable, name);
  }
  for (const list of [prior?.model.namedParameters(), prior?.model.namedBuffers()]) {
    for (const [name, variable] of list ?? []) names.set(variable, `fitted.${name}`);
  }
  const values = new Map([
    ...source.weights,
    ...(source.buffers ?? []),
    ...(prior ? [...prior.values, ...prior.buffers] : []),
  ]);
  const { code, condition, bijection, ancestral } = model.can;
  const { draw, bijection: ofCodes = bijection } = (prior?.model ?? model).can;
  const rows = rowsFor(names.keys(), model.features, code?.size ?? 1);
  const to = new Lowering({ table: TABLE, rows, values, names });
  const built = new PartBuilder(source, to, rows).build();
  const { nodes, parts, streams } = pruned({ nodes: to.nodes, ...built });
  const json: ProgramJson = {
    version: 1,
    rows: bijection || ancestral ? BLOCK : rowsAtOnce(model, BLOCK),
    stride: ancestral ? stepsOf(parts.draw) : 1,
    latent: code && (parts.mean || parts.codes) ? code.size : 0,
    ...(condition && { classes: condition.classes }),
    ...(parts.clusters && { clusters: draw?.groups?.count }),
    ...(draw?.layers && { layers: draw.layers }),
    ...(ofCodes && { hasTemperature: true }),
    ...(ancestral?.orders && { orders: ancestral.orders }),
    nodes,
    kernels: kernelsOf(nodesOf(nodes), parts),
    functions: HELPERS,
    parts,
    streams,
  };
  const read = new Set(nodes.flatMap(([op, , name]) => (op === 'w' ? [name as string] : [])));
  return { json, tensors: new Map([...to.tensors].filter(([name]) => read.has(name))) };
}
