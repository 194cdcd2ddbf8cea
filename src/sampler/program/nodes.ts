// The nodes of a program, each checked by the rule of its op.
import type { ProgramNode } from './format.ts';
import { fits, isWhole, RULES, type Shape } from './shapes.ts';

export interface Node {
  readonly op: string;
  readonly inputs: readonly number[];
  /** What follows the operands. */
  readonly rest: readonly never[];
  readonly shape: Shape;
  /** Depends on neither noise nor state: it is computed once for some rows. */
  readonly isFixed: boolean;
}

/** Extents for so many rows. */
export const resolve = (shape: Shape, rows: number): number[] =>
  shape.map((extent) => (extent < 0 ? -extent * rows : extent));

const isList = (value: unknown): value is number[] => Array.isArray(value) && value.every(isWhole);

/** @throws TypeError unless every operand is a node before its own, and every op fits what it is given */
export function nodesOf(json: readonly ProgramNode[]): Node[] {
  const nodes: Node[] = [];
  for (const [op, inputs, ...rest] of json) {
    fits(Object.hasOwn(RULES, op) && isList(inputs) && inputs.every((i) => i in nodes));
    const isNamed = ['w', 'in', 'noise'].includes(op);
    rest.forEach((word, i) => {
      fits(
        isNamed && i === 0 ? typeof word === 'string' : op === 'c' || isWhole(word) || isList(word),
      );
    });
    const operands = inputs.map((i) => nodes[i]!);
    const shape = RULES[op]!(
      operands.map((x) => x.shape),
      rest as never[],
    );
    fits(isList(shape) && shape.length <= 8 && shape.every((n) => n !== 0));
    if (op === 'c') fits(Number.isFinite(rest[0]));
    const isFixed = op !== 'noise' && op !== 'state' && operands.every((x) => x.isFixed);
    nodes.push({ op, inputs, rest: rest as never[], shape, isFixed });
  }
  return nodes;
}

/** The node whose numbers these are, in their order. */
export function memoryOf(nodes: readonly Node[], i: number): number {
  const { op, inputs } = nodes[i]!;
  return op === 'reshape' ? memoryOf(nodes, inputs[0]!) : i;
}
