// Statements that leave a group's values in memory.
import type { Tensor } from '../../graph/tensor.ts';
import type { Level } from '../fuse/group.ts';
import { alignStrides, type Location } from '../fuse/location.ts';
import { targetOf } from '../lower/effects.ts';
import type { Emitter } from './emitter.ts';
import { affineText, rowIndexText } from './index-space.ts';
import type { Scope } from './scope.ts';

/** Those of the values of one level. */
export function storeLines(
  emitter: Emitter,
  scope: Scope,
  level: Level,
  only: (node: Tensor) => boolean,
): string[] {
  const lines: string[] = [];
  for (const { node, location } of emitter.footprint.writes) {
    if (emitter.group.levels.get(node) !== level || node === emitter.group.columnSum || !only(node))
      continue;
    if (node.op.kind === 'store') {
      const value = emitter.operand(node, 0, scope);
      const at = emitter.operand(node, 1, scope);
      const size = (targetOf(node) as Tensor).size;
      lines.push(`${emitter.bindings.of(location.memory).name}[${at}.x % ${size}u] = ${value}.x;`);
      continue;
    }
    if (node.op.kind === 'scatter') {
      const value = emitter.operand(node, 0, scope);
      lines.push(...storeFull(emitter, location, value, emitter.operand(node, 1, scope)));
      continue;
    }
    const value = emitter.value(node, scope);
    lines.push(
      ...(emitter.footprint.isByQuad(node)
        ? storeFull(emitter, location, value)
        : storeRow(emitter, node, location, value)),
    );
  }
  return lines;
}

/** @param row which row of the memory each of the four is for, where that is told at run time */
function storeFull(emitter: Emitter, location: Location, value: string, row?: string): string[] {
  const { space } = emitter;
  const { memory, offset: from, strides } = location;
  const { name, quads, start } = emitter.bindings.of(memory);
  const offset = from - start;
  const { terms, last } = space.affine(alignStrides(strides, emitter.group.shape));
  const termsOf = (lane: number) => {
    if (row === undefined) return terms;
    return [...terms, { name: `${row}.${'xyzw'[lane]}`, stride: memory.shape.at(-1) as number }];
  };
  // What is written beyond a memory may end in another place of it.
  const hasRow = (lane: number) => row && `${row}.${'xyzw'[lane]} < ${memory.shape[0]}u`;
  if (quads) {
    const at = affineText([...termsOf(0), { name: emitter.quad, stride: 4 }], offset, 4);
    return [guarded(`${name}[${at}] = ${value};`, [hasRow(0)])];
  }
  return [0, 1, 2, 3].flatMap((lane) => {
    if (lane >= space.width) return [];
    const own = last === 0 && row ? [] : [{ name: emitter.lane(lane), stride: last }];
    const at = affineText([...termsOf(lane), ...own], offset);
    const statement = `${name}[${at}] = ${value}.${'xyzw'[lane]};`;
    const always = lane === 0 || space.width % 4 === 0;
    const isInside = always ? undefined : `${emitter.lane(lane)} < ${space.width}u`;
    return [guarded(statement, [hasRow(lane), isInside])];
  });
}

/** A statement under conditions, of which there may be none. */
function guarded(statement: string, conditions: readonly (string | undefined)[]): string {
  const all = conditions.filter((condition) => condition !== undefined);
  return all.length > 0 ? `if (${all.join(' && ')}) { ${statement} }` : statement;
}

function storeRow(emitter: Emitter, node: Tensor, location: Location, value: string): string[] {
  const { name, start } = emitter.bindings.of(location.memory);
  // A row that is folded in parts leaves one value a part.
  const counter =
    emitter.group.splits > 1 ? 'part' : emitter.counterOf(emitter.group.levels.get(node));
  const at = rowIndexText(node.shape, location.strides, location.offset - start, counter);
  return [`${name}[${at}] = ${value}.x;`];
}
