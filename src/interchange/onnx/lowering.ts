// From graphs of ops to graphs of ONNX. Graphs are made for a number of rows; here it is left open again.
import { LatentGpuError } from '../../errors.ts';
import type { AttributeValue, Extent } from '../../formats/onnx/graph.ts';
import { OnnxGraph } from '../../formats/onnx/graph.ts';
import type { NdArray } from '../../graph/ndarray.ts';
import type { Shape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { topological } from '../../graph/traverse.ts';
import { isVariable, type Variable } from '../../graph/variable.ts';
import { evaluate } from '../../ops/index.ts';
import { biasOf, MOST_NODES } from '../graphs.ts';
import { openOnes } from '../known.ts';
import { madeUpFor, readsCells } from '../recurrent.ts';

/** What the number of rows is called in a file. */
export const BATCH = 'batch';

/** Adds a tensor's nodes, whose inputs are there; the name of the result. */
export type Row = (to: Lowering, node: Tensor) => string;

/** A row for each op that can be written down, by its name. */
export type Table = Readonly<Record<string, Row>>;

/** What a file is made from: graphs over so many rows, and the values of all that is no input. */
export interface LoweringOptions {
  readonly table: Table;
  readonly rows: number;
  readonly values: ReadonlyMap<Variable, ArrayLike<number>>;
  /** Names of variables in the file. */
  readonly names: ReadonlyMap<Variable, string>;
}

/**
 * Adds the nodes of tensors to an ONNX graph, each once. What depends on no input is computed here, in
 * float64, and held by the file as a tensor.
 */
export class Lowering {
  readonly graph = new OnnxGraph();
  private readonly options: LoweringOptions;
  private readonly given = new Map<Tensor, ArrayLike<number>>();
  private readonly lowered = new Map<Tensor, string>();
  /** Of those, what depends on an input: the others are held. */
  private readonly flowing = new Set<Tensor>();
  /** What depends on no input, until somebody reads it. */
  private readonly known = new Map<Tensor, NdArray>();
  private readonly used = new Map<string, number>();
  private readonly promised = new Set<string>();
  private rowsName: string | undefined;
  private fed: string | undefined;

  constructor(options: LoweringOptions) {
    this.options = options;
    for (const name of options.names.values()) this.used.set(name, 1);
    for (const [variable, values] of options.values) this.given.set(variable, values);
  }

  /** A value that is fed, of which the first axis counts rows. */
  input(name: string, shape: readonly Extent[], about: string, type?: 'float' | 'int64'): string {
    this.fed ??= name;
    this.used.set(name, 1);
    return this.graph.input(name, shape, about, type);
  }

  /** Has a tensor stand for a value that is there already. */
  bind(tensor: Tensor, name: string): void {
    this.lowered.set(tensor, name);
    this.flowing.add(tensor);
  }

  /** Has the next values keep their hands off names that are promised to somebody. */
  reserve(names: Iterable<string>): void {
    for (const name of names) {
      this.used.set(name, 1);
      this.promised.add(name);
    }
  }

  /**
   * The names of tensors' values, with the nodes that compute them.
   *
   * @throws LatentGpuError `bad-input` for an op that ONNX has not, with its name
   */
  values(tensors: readonly Tensor[]): string[] {
    const order = topological(tensors);
    if (order.length > MOST_NODES) throw unlike(`${order.length} steps one after the other`);
    if (readsCells(order, tensors)) throw unlike('cells of long short-term memory that are read');
    const open = this.openOnes(order);
    const users = new Map<Tensor, Tensor[]>();
    for (const node of order) {
      if (!open.has(node) || this.lowered.has(node)) continue;
      for (const x of node.inputs) users.set(x, [...(users.get(x) ?? []), node]);
    }
    // Everything known that an open node reads, at once: subgraphs are walked a single time.
    const read = [...users.keys(), ...tensors];
    this.compute(read.filter((x) => !open.has(x) && !this.lowered.has(x) && !this.known.has(x)));
    const skipped = madeUpFor(order, (x) => users.get(x) ?? [], tensors);
    for (const node of order) {
      if (!open.has(node) || this.lowered.has(node) || skipped.has(node)) continue;
      // A product with a bias is one node, made where the bias is added.
      const [user, second] = users.get(node) ?? [];
      const layer = user && !second && !tensors.includes(node) ? biasOf(user) : undefined;
      if (layer?.product === node && !open.has(layer.bias)) continue;
      this.bind(node, this.nodesOf(node));
    }
    return tensors.map((tensor) => this.operand(tensor));
  }

  value(tensor: Tensor): string {
    return this.values([tensor])[0] as string;
  }

  /** A node with one result. */
  node(
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue>>,
    name = this.free(op.toLowerCase()),
  ): string {
    return this.graph.node(name, op, inputs, attributes);
  }

  numbers(values: readonly number[] | Float32Array, shape: Shape, name = 'constant'): string {
    const data = values instanceof Float32Array ? values : Float32Array.from(values);
    return this.graph.tensor(this.free(name), shape, data);
  }

  integers(values: readonly number[], name = 'integers'): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.graph.tensor(this.free(name), [values.length], data);
  }

  /** A shape as what Reshape takes. */
  target(shape: Shape): string {
    const open = shape.filter((extent) => this.countsRows(extent));
    if (open.length > 1) throw unlike(`a shape [${shape}] with two axes of rows`);
    return this.integers(
      shape.map((extent) => (this.countsRows(extent) ? -1 : extent)),
      'shape',
    );
  }

  /** A shape as what Expand takes: with the number of rows that are fed. */
  extents(shape: Shape): string {
    if (!shape.some((extent) => this.countsRows(extent))) return this.integers(shape, 'shape');
    const parts = shape.map((extent) => {
      if (!this.countsRows(extent)) return this.integers([extent], 'extent');
      const times = extent / this.options.rows;
      return times === 1
        ? this.rowCount()
        : this.node('Mul', [this.rowCount(), this.integers([times], 'times')]);
    });
    return parts.length === 1 ? (parts[0] as string) : this.node('Concat', parts, { axis: 0 });
  }

  /** A shape as a file declares it. */
  declared(shape: Shape): Extent[] {
    return shape.map((extent) => {
      if (!this.countsRows(extent)) return extent;
      const times = extent / this.options.rows;
      return times === 1 ? BATCH : `${times}*${BATCH}`;
    });
  }

  private countsRows(extent: number): boolean {
    return extent > 0 && extent % this.options.rows === 0;
  }

  private rowCount(): string {
    if (this.rowsName === undefined) {
      const shape = this.node('Shape', [this.fed as string]);
      this.rowsName = this.node('Gather', [shape, this.integers([0], 'first')], { axis: 0 });
    }
    return this.rowsName;
  }

  /** A name that nobody has: the given one, or with a number after it. */
  private free(name: string): string {
    const times = this.used.get(name) ?? 0;
    this.used.set(name, times + 1);
    return times === 0 ? name : this.free(`${name}.${times}`);
  }

  /** What depends on an input, or has as many elements as there are rows. */
  private openOnes(order: readonly Tensor[]): Set<Tensor> {
    const { given, flowing } = this;
    return openOnes(order, {
      given,
      flowing,
      unlike,
      countsRows: (extent) => this.countsRows(extent),
    });
  }

  /** Computes what is known; whoever reads it has it held. */
  private compute(known: readonly Tensor[]): void {
    // A variable is held as it is: float64 and back would change nothing but time.
    const made = [...new Set(known)].filter((x) => !isVariable(x) && !this.isWeightAcross(x));
    const results = evaluate(made, this.given);
    for (const [i, tensor] of made.entries()) this.known.set(tensor, results[i] as NdArray);
  }

  /** A weight that products read across: it stays as it is. */
  private isWeightAcross(x: Tensor): boolean {
    return x.op.name === 'transpose' && x.rank === 2 && isVariable(x.inputs[0] as Tensor);
  }

  /** A variable's own tensor in the file. */
  variable(variable: Variable): string {
    const there = this.lowered.get(variable);
    if (there !== undefined) return there;
    const values = this.given.get(variable);
    if (!values) throw unlike(`'${variable.name}', which changes from run to run`);
    const own = this.options.names.get(variable);
    const isPromised = own !== undefined && this.promised.has(own);
    if (own !== undefined && !isPromised) this.used.delete(own);
    const called = isPromised ? `model.${own}` : own;
    const name = this.tensor(called ?? (variable.name || 'constant'), variable, values);
    this.lowered.set(variable, name);
    return name;
  }

  has(tensor: Tensor): boolean {
    return this.lowered.has(tensor);
  }

  /** The name of what a node reads, which the file may have to hold. */
  operand(x: Tensor): string {
    const there = this.lowered.get(x);
    if (there !== undefined) return there;
    const name = isVariable(x) ? this.variable(x) : this.held(x);
    this.lowered.set(x, name);
    return name;
  }

  private held(x: Tensor): string {
    const value = this.known.get(x);
    if (value) return this.tensor(x.dtype === 'u32' ? 'index' : 'constant', x, value.data);
    const weight = this.variable(x.inputs[0] as Variable);
    return this.node('Transpose', [weight], { perm: [1, 0] });
  }

  private tensor(name: string, { dtype, shape }: Tensor, values: ArrayLike<number>): string {
    const each = Array.from(values);
    const data = dtype === 'u32' ? BigInt64Array.from(each, BigInt) : Float32Array.from(values);
    return this.graph.tensor(this.free(name), shape, data);
  }

  private nodesOf(node: Tensor): string {
    const row = this.options.table[node.op.name];
    if (row) return row(this, node);
    if (node.op.kind === 'noise') throw unlike('noise that is drawn');
    if (node.op.kind === 'variable') {
      throw unlike(`'${node.name}', which changes from run to run`);
    }
    throw unlike(`the op '${node.op.name}'`);
  }
}

/** The refusal of a graph, without its subject. */
export function unlike(what: string): LatentGpuError {
  return new LatentGpuError('bad-input', `it has ${what}, for which ONNX has no node`);
}
