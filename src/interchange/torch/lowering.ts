// From a graph to the lines of a Python method. A graph is made for a number of rows, and a file is for any:
// it is made twice, and what differs follows the rows.
import { LatentGpuError } from '../../errors.ts';
import { sameShape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { topological } from '../../graph/traverse.ts';
import { isVariable, type Variable } from '../../graph/variable.ts';
import { constantValue } from '../../ops/constant.ts';
import { biasOf, MOST_NODES, weightOf } from '../graphs.ts';
import { madeUpFor, readsCells } from '../recurrent.ts';
import { atom, BINDS, call, type Expression, infix, numeral, tuple } from './expression.ts';
import { FUNCTION_NAMES } from './functions.ts';
import { Names, snake } from './names.ts';

/** Longer expressions have a line and a name of their own. */
const FOLDED = 60;
const NEAR = 1e-9;
/** What is worth a name, however short. */
const OWN_LINE = new Set(['scaleGradient', 'reparameterize']);

/** The tensors to be written down, made for either number of rows. */
export interface Twins {
  readonly rows: readonly [number, number];
  /** In the same order, with the names that they are to have. */
  readonly roots: readonly (readonly [name: string, a: Tensor, b: Tensor])[];
}

/** The expression of a tensor, whose inputs are there. */
export type Row = (to: Lowering, node: Tensor) => Expression;

/** A row for each op that can be written down, by its name. */
export type Table = Readonly<Record<string, Row>>;

export interface LoweringOptions {
  readonly table: Table;
  /** Expressions of what is fed, and of what a model holds. */
  readonly variables: (variable: Variable) => string;
  /** Values that are fed, by their names. */
  readonly fed: ReadonlyMap<Tensor, string>;
}

export class Lowering {
  readonly lines: string[] = [];
  /** Functions that the lines call. */
  readonly helpers = new Set<string>();
  readonly rows: number;
  readonly typeOf = 'x.dtype';
  readonly deviceOf = 'x.device';
  private readonly other: number;
  private readonly twin = new Map<Tensor, Tensor>();
  private readonly users = new Map<Tensor, Tensor[]>();
  private readonly folded = new Map<Tensor, Expression>();
  private readonly named = new Map<Tensor, Expression>();
  private readonly layers = new Map<Tensor, string>();
  private readonly names: Names;
  private readonly options: LoweringOptions;

  /** @throws LatentGpuError `bad-input` for an op that PyTorch has no expression for */
  constructor({ rows, roots }: Twins, options: LoweringOptions) {
    [this.rows, this.other] = rows;
    this.options = options;
    this.names = new Names([
      ...FUNCTION_NAMES,
      ...options.fed.values(),
      ...roots.map(([name]) => name),
    ]);
    for (const [tensor, name] of options.fed) this.named.set(tensor, atom(name));
    const order = this.pair(roots);
    const wanted = new Map(roots.map(([name, tensor]) => [tensor, name]));
    for (const node of order) for (const x of node.inputs) this.usersOf(x).push(node);
    const skipped = madeUpFor(order, (x) => this.usersOf(x), [...wanted.keys()]);
    for (const node of order) if (!skipped.has(node)) this.lower(node, wanted.get(node));
    for (const node of order.filter(({ op }) => op.name === 'scaleGradient')) {
      const scale = this.scales.get(node) as Tensor;
      const given = this.whole(scale, node);
      this.lines.push(
        call(this.helper('scale_gradient'), this.operand(node, node).text, given).text,
      );
    }
    for (const [tensor, name] of wanted) {
      const own = this.operand(tensor, tensor).text;
      if (own !== name) this.lines.push(`${name} = ${own}`);
    }
    for (const [name, tensor] of roots) {
      const first = wanted.get(tensor) as string;
      if (name !== first) this.lines.push(`${name} = ${first}`);
    }
  }

  /** What gradients are scaled by, once it is asked for. */
  private readonly scales = new Map<Tensor, Tensor>();

  /** Walks both graphs side by side. */
  private pair(roots: Twins['roots']): Tensor[] {
    const [as, bs] = [roots.map(([, a]) => a), roots.map(([, , b]) => b)];
    for (;;) {
      const [order, others] = [topological(as), topological(bs)];
      if (order.length > MOST_NODES) throw unlike(`${order.length} steps one after the other`);
      if (readsCells(order, as)) throw unlike('cells of long short-term memory that are read');
      order.forEach((node, i) => {
        const other = others[i];
        if (other?.op !== node.op || order.length !== others.length) {
          throw unlike('a graph that depends on the number of rows');
        }
        this.twin.set(node, other);
      });
      const late = order.filter(
        (node) => node.op.name === 'scaleGradient' && !this.scales.has(node),
      );
      if (late.length === 0) return order;
      for (const node of late) {
        const [a, b] = [node, this.twin.get(node) as Tensor].map((x) => {
          const scale = (x.attrs.scale as () => Tensor | number)();
          if (typeof scale === 'number') throw unlike('a gradient that is scaled by a number');
          return scale;
        }) as [Tensor, Tensor];
        this.scales.set(node, a);
        as.push(a);
        bs.push(b);
      }
    }
  }

  private usersOf(node: Tensor): Tensor[] {
    const found = this.users.get(node) ?? [];
    this.users.set(node, found);
    return found;
  }

  private lower(node: Tensor, name: string | undefined): void {
    if (this.named.has(node) || isVariable(node) || constantValue(node) !== undefined) return;
    const layer = this.layerOf(node);
    if (layer !== undefined) this.layers.set(node, layer);
    if (node.op.kind === 'noise') {
      const own = name ?? this.nameOf(node);
      const drawn = call(`noise.${node.op.name}`, `"${own}"`, ...this.extents(node));
      this.write(node, own, drawn);
      return;
    }
    const row = this.options.table[node.op.name];
    if (!row) throw unlike(`the op '${node.op.name}'`);
    const made = row(this, node);
    // A view that changes nothing is what it shows.
    if (name === undefined && /^[a-z_0-9]+$/.test(made.text)) this.named.set(node, made);
    else if (name === undefined && this.folds(node, made)) this.folded.set(node, made);
    else this.write(node, name ?? this.nameOf(node), made);
  }

  private nameOf(node: Tensor): string {
    const isShown = (x: Tensor) => this.folded.has(x);
    return this.names.of(node, this.layers.get(node), this.usersOf(node), isShown);
  }

  private write(node: Tensor, name: string, { text }: Expression): void {
    this.lines.push(`${name} = ${text}`);
    this.named.set(node, atom(name));
  }

  private folds(node: Tensor, { text }: Expression): boolean {
    const [user, ...others] = this.usersOf(node);
    if (!user || others.length > 0) return false;
    if ([...this.scales.values()].includes(node)) return false;
    if (OWN_LINE.has(node.op.name)) return false;
    if (biasOf(user)?.product === node) return true;
    const isHeavy =
      ['matmul', 'composed', 'kernel'].includes(node.op.kind) || this.layers.has(node);
    if (isHeavy && user.inputs.length > 1) return false;
    return text.length <= (user.op.name === 'reshape' && node.op.kind === 'reduce' ? 90 : FOLDED);
  }

  /** The layer that a value comes straight from. */
  private layerOf(node: Tensor): string | undefined {
    const weights = node.inputs.map((x) => weightOf(x) ?? (isVariable(x) ? x : undefined));
    if (node.op.kind === 'matmul' || node.op.kind === 'composed') {
      const own = weights[1];
      if (own?.role === 'parameter') return snake(own.name.replace(/\.?weight$/, '') || 'layer');
    }
    if (node.op.kind !== 'elementwise' && node.op.kind !== 'view') return undefined;
    const from = node.inputs.find((x) => this.layers.has(x) && this.folded.has(x));
    return from && this.layers.get(from);
  }

  helper(name: string): string {
    this.helpers.add(name);
    return name;
  }

  /** Whether a value has no line of its own. */
  isFolded(x: Tensor): boolean {
    return this.folded.has(x);
  }

  variable(variable: Variable): string {
    return this.options.variables(variable);
  }

  /** A value as `user` reads it: a number where that is as good as a tensor of its shape. */
  operand(x: Tensor, user: Tensor): Expression {
    const there = this.named.get(x) ?? this.folded.get(x);
    if (there) return there;
    const value = this.numberOf(x);
    if (value !== undefined) {
      const isCovered =
        user.op.kind === 'elementwise' &&
        user.inputs.some((y) => constantValue(y) === undefined && sameShape(y.shape, user.shape));
      return isCovered ? value : atom(this.filled(x, value));
    }
    return atom(this.variable(x as Variable));
  }

  /** A value as a tensor, whatever it is. */
  whole(x: Tensor, user: Tensor): string {
    const value = this.numberOf(x);
    return value === undefined ? this.operand(x, user).text : this.filled(x, value);
  }

  private filled(x: Tensor, { text }: Expression): string {
    const shape = tuple(this.extents(x));
    if (x.dtype === 'u32') return `torch.full(${shape}, ${text}, device=${this.deviceOf})`;
    return `x.new_full(${shape}, ${text})`;
  }

  number(value: number): Expression {
    return numeral(value);
  }

  /** The number that a constant stands for; it may follow the number of rows. */
  numberOf(x: Tensor): Expression | undefined {
    const value = constantValue(x);
    if (value === undefined) return undefined;
    const other = constantValue(this.twin.get(x) ?? x) as number;
    if (value === other) return numeral(value);
    const perRow = this.perRow(x);
    if (perRow !== undefined) return infix(numeral(perRow), '/', atom('B'), BINDS.product);
    const times = value / this.rows;
    if (near(times, other / this.other)) {
      return infix(numeral(rounded(times)), '*', atom('B'), BINDS.product);
    }
    throw unlike(`a number that depends on the number of rows, ${value}`);
  }

  /** k of a constant k / rows. */
  perRow(x: Tensor): number | undefined {
    const value = constantValue(x);
    const other = constantValue(this.twin.get(x) ?? x);
    if (value === undefined || other === undefined || value === other) return undefined;
    const k = value * this.rows;
    return near(k, other * this.other) ? rounded(k) : undefined;
  }

  /** Extents of a shape as arguments, those that count rows by B. */
  extents(x: Tensor): string[] {
    const other = this.twin.get(x) ?? x;
    return x.shape.map((extent, axis) => {
      const there = other.shape[axis] as number;
      if (extent === there) return String(extent);
      const times = extent / this.rows;
      if (Number.isInteger(times) && times === there / this.other) {
        return times === 1 ? 'B' : `${times} * B`;
      }
      throw unlike(`an extent that depends on the number of rows, ${extent}`);
    });
  }
}

const near = (a: number, b: number) => Math.abs(a - b) <= NEAR * Math.abs(b);
const rounded = (value: number) => Number(value.toPrecision(12));

/** The refusal of a graph, without its subject. */
export function unlike(what: string): LatentGpuError {
  return new LatentGpuError(
    'bad-input',
    `it has ${what}, for which PyTorch has no expression here`,
  );
}
