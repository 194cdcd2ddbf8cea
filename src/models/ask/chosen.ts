// Draws of groups that are asked for, row by row.
import type { GroupDraws } from '../abilities.ts';
import { lack, type Model } from '../model.ts';
import type { RowSource } from './rows.ts';

/** @throws LatentGpuError `bad-input` for a model whose codes come from no groups */
export function groupsIn({ can }: Model): GroupDraws {
  if (can.draw?.groups) return can.draw.groups;
  throw lack(can, 'draw.groups', 'this', 'a model that knows no groups');
}

/** Of each row its group as a row with one 1, [count, K]. @param groups [count], of K */
export function chosenRows({ count }: GroupDraws, groups: ArrayLike<number>): RowSource {
  return (start, end) => {
    const chosen = new Float32Array((end - start) * count);
    for (let i = start; i < end; i++) chosen[(i - start) * count + (groups[i] as number)] = 1;
    return chosen;
  };
}
