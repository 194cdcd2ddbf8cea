// From graphs of ops to the nodes that the small runtime plays. Graphs are made for a number of rows; here
// it is left open again. What depends on no input is computed here, in float64, and kept as a weight.
import { LatentGpuError } from '../../errors.ts';
import type { WritableTensor } from '../../formats/safetensors.ts';
import type { Shape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { topological } from '../../graph/traverse.ts';
import { isVariable, type Variable } from '../../graph/variable.ts';
import { constantValue } from '../../ops/constant.ts';
import { evaluate } from '../../ops/index.ts';
import type { ProgramNode } from '../../sampler/program/format.ts';
import { MOST_NODES } from '../graphs.ts';
import { openOnes } from '../known.ts';

/** Adds a tensor's nodes; the place of the result. */
export type Row = (to: Lowering, node: Tensor) => number;

/** A row for each op that can be written down, by its name. */
export type Table = Readonly<Record<string, Row>>;

export interface LoweringOptions {
  readonly table: Table;
  /** Rows that graphs are made for, which divide no extent of the model. */
  readonly rows: number;
  readonly values: ReadonlyMap<Variable, ArrayLike<number>>;
  /** Names of variables in the file. */
  readonly names: ReadonlyMap<Variable, string>;
}

export class Lowering {
  readonly nodes: ProgramNode[] = [];
  readonly tensors = new Map<string, WritableTensor & { readonly isIndex: boolean }>();
  private readonly options: LoweringOptions;
  private readonly given = new Map<Tensor, ArrayLike<number>>();
  private readonly lowered = new Map<Tensor, number>();
  private readonly flowing = new Set<Tensor>();
  private readonly places = new Map<string, number>();

  constructor(options: LoweringOptions) {
    this.options = options;
    for (const [variable, values] of options.values) this.given.set(variable, values);
  }

  /** Adds a node, or finds one that is the same. */
  node(...node: ProgramNode): number {
    // Two draws are two.
    const isOwn = node[0] === 'noise' || node[0] === 'state';
    const text = isOwn ? `${this.nodes.length}` : JSON.stringify(node);
    const there = this.places.get(text);
    if (there !== undefined) return there;
    this.nodes.push(node);
    this.places.set(text, this.nodes.length - 1);
    return this.nodes.length - 1;
  }

  /** Has a tensor stand for a node. */
  bind(tensor: Tensor, place: number): void {
    this.lowered.set(tensor, place);
    this.flowing.add(tensor);
  }

  /** Has a variable stand for what is fed. */
  input(name: string, variable: Tensor): number {
    const place = this.node('in', [], name, this.extents(variable.shape));
    this.bind(variable, place);
    return place;
  }

  state(variable: Variable): void {
    this.bind(variable, this.node('state', [], this.extents(variable.shape)));
  }

  /** @throws LatentGpuError `bad-input` for an op that the small runtime has not */
  values(tensors: readonly Tensor[]): number[] {
    const order = topological(tensors);
    if (order.length > MOST_NODES) throw unlike(`${order.length} steps one after the other`);
    const open = this.openOnes(order);
    const read = new Set(tensors);
    for (const node of order) {
      if (!open.has(node) || this.lowered.has(node)) continue;
      for (const x of node.inputs) read.add(x);
    }
    this.hold([...read].filter((x) => !open.has(x) && !this.lowered.has(x)));
    for (const node of order) {
      if (open.has(node) && !this.lowered.has(node)) this.bind(node, this.nodeOf(node));
    }
    return tensors.map((tensor) => this.operand(tensor));
  }

  value(tensor: Tensor): number {
    return this.values([tensor])[0] as number;
  }

  /** What a node reads, whose place is known. */
  operand(x: Tensor): number {
    return this.lowered.get(x) ?? this.value(x);
  }

  has(x: Tensor): boolean {
    return this.lowered.has(x);
  }

  /** Extents as the runtime reads them. */
  extents(shape: Shape): number[] {
    return shape.map((extent) => this.extent(extent));
  }

  extent(extent: number): number {
    const { rows } = this.options;
    return extent > 0 && extent % rows === 0 ? -extent / rows : extent;
  }

  /** Whether a tensor depends on nothing that is fed, drawn or counts rows. */
  isKnown(tensor: Tensor): boolean {
    return !this.openOnes(topological([tensor])).has(tensor);
  }

  private openOnes(order: readonly Tensor[]): Set<Tensor> {
    const { given, flowing } = this;
    return openOnes(order, {
      given,
      flowing,
      unlike,
      countsRows: (extent) => this.extent(extent) < 0,
    });
  }

  /** Has the file hold what is known. */
  private hold(known: readonly Tensor[]): void {
    const made = known.filter((x) => !isVariable(x) && constantValue(x) === undefined);
    const results = evaluate(made, this.given);
    for (const [i, x] of made.entries()) this.keep(x, 'constant', results[i]?.data ?? []);
    for (const x of known) {
      const value = constantValue(x);
      if (isVariable(x)) this.keep(x, this.options.names.get(x) ?? x.name, this.given.get(x) ?? []);
      else if (value !== undefined) this.lowered.set(x, this.constant(x, value));
    }
  }

  private constant(x: Tensor, value: number): number {
    const number = this.node('c', [], value);
    return x.rank === 0 ? number : this.node('expand', [number], this.extents(x.shape));
  }

  private keep(x: Tensor, name: string, values: ArrayLike<number>): void {
    this.lowered.set(x, this.weight(name, x, values));
  }

  /** A tensor that the file holds. */
  weight(name: string, { shape, dtype }: Tensor, values: ArrayLike<number>): number {
    let own = name;
    for (let i = 1; this.tensors.has(own); i++) own = `${name}.${i}`;
    // The runtime counts in float32, too.
    const data = Float32Array.from(values);
    this.tensors.set(own, { shape, data, isIndex: dtype === 'u32' });
    return this.node('w', [], own, shape);
  }

  private nodeOf(node: Tensor): number {
    const row = this.options.table[node.op.name];
    if (row) return row(this, node);
    if (isVariable(node)) throw unlike(`'${node.name}', which changes from run to run`);
    throw unlike(`the op '${node.op.name}'`);
  }
}

/** The refusal of a graph, without its subject. */
export function unlike(what: string): LatentGpuError {
  return new LatentGpuError('bad-input', `it has ${what}, which the small runtime does not play`);
}
