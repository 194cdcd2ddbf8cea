// Which nodes share a kernel. Greedy, in order of what is gained:
//   1. a product takes the bias gradient that sums its left operand, its bias and its activation;
//   2. a reduction takes what feeds it; a gather takes the computation of its indices;
//   3. a number joins the fold it comes from;
//   4. every other node joins the kernel it has most in common with, or starts one;
//   5. kernels that share memory become one, and so do short rows with the rows they make up;
//   6. small products that follow each other become one.
// A node joins only if one kernel can then compute the group, the bindings suffice and no cycle
// arises between kernels.
import type { AdapterClass } from '../lower/adapter.ts';
import type { Lowered } from '../lower/lower.ts';
import { gathers, numbers, reductions } from './folds.ts';
import type { Fusion } from './fusion.ts';
import { Grouping } from './grouping.ts';
import { joinLayers } from './layers.ts';
import { merge, nestRows } from './merge.ts';
import { epilogues, products } from './products.ts';
import { rest } from './rest.ts';

export function fuse(lowered: Lowered, adapter: AdapterClass): Fusion {
  const groups = new Grouping(lowered, adapter);
  for (const pass of [products, epilogues, reductions, gathers, numbers, rest, merge, nestRows]) {
    pass(groups);
  }
  return joinLayers(
    { groups: groups.all, groupOf: groups.of, dependencies: groups.dependencies },
    adapter,
  );
}
