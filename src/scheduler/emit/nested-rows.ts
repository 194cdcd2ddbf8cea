// Rows within rows: each short row is folded by one invocation, or by one a quad, and what comes of it
// is folded over the rows of a block at once. Mixture densities and importance weights are such folds:
// a sum over the features, a log-sum-exp over components or samples.
import type { Tensor } from '../../graph/tensor.ts';
import { blockCount, type Group, isEarly, type Level, rowCount } from '../fuse/group.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import type { Emitter } from './emitter.ts';
import { blockFolds, folds, quadFolds } from './folds.ts';
import type { IndexSpace } from './index-space.ts';
import { type NestedShape, rowsTogether } from './nested-shapes.ts';
import { Scope } from './scope.ts';
import { storeLines } from './stores.ts';

/** Values of a block that wait in registers while its rows are walked through, in quads. */
const HELD = { software: 64, hardware: 16 };

/** The lines that fold the rows of a block. */
export function nestedBody(emitter: Emitter, shape: NestedShape, adapter: AdapterClass): string[] {
  const writer = new NestedWriter(emitter, shape.byQuads);
  writer.before(adapter.isSoftware ? HELD.software : HELD.hardware);
  writer.rows(rowsTogether(shape, emitter.space.quads));
  return writer.after();
}

/** A quad that is written out, or the one that an invocation keeps to. */
type Quad = number | 'own';

class NestedWriter {
  private readonly emitter: Emitter;
  private readonly space: IndexSpace;
  private readonly group: Group;
  private readonly order: readonly Tensor[];
  /** Whether every invocation keeps to one quad of the rows; else it goes through all of a row. */
  private readonly byQuads: boolean;
  private readonly quads: readonly Quad[];
  private readonly perBlock: number;
  private readonly block = new Scope();
  /** What all rows of a block read or compute, quad by quad. */
  private readonly held: readonly Scope[];

  constructor(emitter: Emitter, byQuads: boolean) {
    const { space } = emitter;
    this.emitter = emitter;
    this.space = space;
    this.group = emitter.group;
    this.order = emitter.order;
    this.byQuads = byQuads;
    this.quads = byQuads ? ['own'] : Array.from({ length: space.quads }, (_, quad) => quad);
    this.held = this.quads.map(() => this.block.beside());
    this.perBlock = rowCount(this.group) / blockCount(this.group);
  }

  private is(node: Tensor, level: Level): boolean {
    return this.group.levels.get(node) === level;
  }

  /** Numbered within the kernel, so that equal kernels are equal text and compiled once. */
  private accumulator(node: Tensor): string {
    return `fold${this.order.indexOf(node)}`;
  }

  /** The folds of what rows fold to. */
  private outerFolds(): Tensor[] {
    return this.order.filter(
      (node) => node.op.kind === 'reduce' && this.is(node, 'block') && !isEarly(node, this.group),
    );
  }

  private at<T>(quad: Quad, emit: () => T): T {
    return quad === 'own' ? emit() : this.emitter.atQuad(quad, emit);
  }

  /** What a quad adds to a fold; past the end of a row, what does not change it. */
  private inside(node: Tensor, quad: Quad, scope: Scope): string {
    const { emitter, space } = this;
    const value = this.at(quad, () => emitter.operand(node, 0, scope));
    const isWhole = quad === 'own' ? space.width % 4 === 0 : 4 * (quad + 1) <= space.width;
    const column = quad === 'own' ? 'column' : `${4 * quad}u`;
    const { neutral } = folds[node.op.name] as (typeof folds)[string];
    return isWhole ? value : `within(${value}, ${column}, ${space.width}u, ${neutral})`;
  }

  /** Folds a row; its value is known to `scope` afterwards, in every invocation that has a part of it. */
  private foldRow(node: Tensor, scope: Scope, quads: readonly Scope[]): void {
    const fold = folds[node.op.name] as (typeof folds)[string];
    const acc = this.accumulator(node);
    scope.lines.push(fold.start(acc));
    this.quads.forEach((quad, i) => {
      const value = this.inside(node, quad, quads[i] as Scope);
      scope.lines.push(fold.add(acc, value));
    });
    const joined = this.byQuads
      ? `${fold.finishLine}(${acc}, place)`
      : (quadFolds[node.op.name] as (acc: string) => string)(acc);
    scope.set(`n${node.id}`, this.emitter.name(scope, `vec4f(${joined})`));
  }

  /** @param room quads that may wait in registers while rows are walked through */
  before(room: number): void {
    const { emitter, block, held, quads } = this;
    if (this.byQuads) block.lines.push('let quad = lane % LINE;', 'let column = quad * 4u;');
    else block.lines.push(`let end = select(0u, ${this.perBlock}u, live);`);
    block.lines.push(...this.space.unravel(0));
    for (const node of this.order) {
      if (!this.is(node, 'block') || !isEarly(node, this.group)) continue;
      if (node.op.kind === 'reduce') this.foldRow(node, block, held);
      else emitter.value(node, block);
    }
    const stores = quads.flatMap((quad, i) =>
      this.at(quad, () => storeLines(emitter, held[i] as Scope, 'side', () => true)),
    );
    if (stores.length > 0) {
      const first = this.byQuads ? 'lane < LINE' : 'lane == 0u';
      block.lines.push(`if (live && ${first}) {`, ...stores.map((line) => `  ${line}`), '}');
    }
    for (const { node, input } of emitter.footprint.steadyReads('row'))
      emitter.operand(node, input, block);
    let left = room;
    for (const { node, input } of emitter.footprint.steadyReads('full')) {
      if (left < quads.length) break;
      left -= quads.length;
      quads.forEach((quad, i) => {
        this.at(quad, () => emitter.operand(node, input, held[i] as Scope));
      });
    }
    // Shared values that only rows need are not to be computed again for each.
    for (const node of this.order) {
      if (!this.is(node, 'side')) continue;
      quads.forEach((quad, i) => {
        this.at(quad, () => emitter.value(node, held[i] as Scope));
      });
    }
  }

  /** @param together rows of a block that its invocations take at once */
  rows(together: number): void {
    const { emitter, block, perBlock, byQuads } = this;
    const row = new Scope(block);
    const own = this.held.map((scope) => row.beside(scope));
    const outer = this.outerFolds();
    for (const node of outer) {
      const { start } = blockFolds[node.op.name] as (typeof blockFolds)[string];
      block.lines.push(start(this.accumulator(node)));
    }
    row.lines.push(`let item = row * ${perBlock}u + mid;`, ...this.space.unravel(1));
    const ends: string[] = [];
    for (const node of this.order) {
      if (outer.includes(node)) {
        const { add } = blockFolds[node.op.name] as (typeof blockFolds)[string];
        ends.push(add(this.accumulator(node), `${emitter.operand(node, 0, row)}.x`));
      } else if (this.is(node, 'row')) {
        if (node.op.kind === 'reduce') this.foldRow(node, row, own);
        else emitter.value(node, row);
      }
    }
    ends.push(...storeLines(emitter, row, 'row', () => true));
    const stores = this.quads.flatMap((quad, i) =>
      this.at(quad, () => storeLines(emitter, own[i] as Scope, 'full', () => true)),
    );
    const loop = byQuads
      ? [
          // As often for all, because they wait for each other; who has no row goes along with another's.
          `let seat = min(lane / LINE, ${together - 1}u);`,
          `for (var begin = 0u; begin < ${perBlock}u; begin += ${together}u) {`,
          `  let mid = min(begin + seat, ${perBlock - 1}u);`,
          ...row.lines.map((line) => `  ${line}`),
          `  if (live && lane < ${together}u * LINE && begin + seat < ${perBlock}u) {`,
          '    if (quad == 0u) {',
          ...ends.map((line) => `      ${line}`),
          '    }',
          ...stores.map((line) => `    ${line}`),
          '  }',
          '}',
        ]
      : [
          'for (var mid = lane; mid < end; mid += LANES) {',
          ...[...row.lines, ...ends, ...stores].map((line) => `  ${line}`),
          '}',
        ];
    block.lines.push(...loop);
    for (const node of outer) {
      const { finish, whole } = blockFolds[node.op.name] as (typeof blockFolds)[string];
      const value = `vec4f(${finish}(${whole(this.accumulator(node))}, place))`;
      block.set(`n${node.id}`, emitter.name(block, value));
    }
  }

  after(): string[] {
    const { lines } = this.block;
    const last = new Scope(this.block);
    const stores = storeLines(this.emitter, last, 'block', () => true);
    lines.push(
      'fold_barrier();',
      'if (live && lane == 0u) {',
      ...[...last.lines, ...stores].map((line) => `  ${line}`),
      '}',
    );
    return lines;
  }
}
