// Where the nodes go that no product and no fold has taken.
import type { Tensor } from '../../graph/tensor.ts';
import { type Group, levelIn, newGroup } from './group.ts';
import type { Grouping } from './grouping.ts';

/** Users before what they use, so that a value is made where it is needed, not kept for later. */
export function rest(groups: Grouping): void {
  for (const node of [...groups.nodes].reverse()) {
    if (groups.of.has(node)) continue;
    const candidates = groups.all
      .map((group) => ({ group, affinity: affinity(groups, node, group) }))
      .filter(({ affinity }) => affinity > 0)
      .sort((a, b) => b.affinity - a.affinity || a.group.id - b.group.id);
    const found = candidates.some(({ group }) => groups.join(node, group));
    if (!found) groups.start(newGroup('map', node.shape), node);
  }
}

/** How much a node would gain from a group: 0 if nothing. */
function affinity(groups: Grouping, node: Tensor, group: Group): number {
  const level = levelIn(node, group);
  if (!level) return 0;
  const inputs = groups.dependencies.inputsOf(node);
  // A value that others need too is in memory anyway: being near its maker spares little.
  const made = inputs.filter((x) => group.levels.has(x));
  const spared = made.filter((x) => !groups.dependencies.isKept(x, group, node)).length;
  const users = groups.dependencies.consumersOf(node);
  const used = users.filter((x) => group.levels.has(x)).length;
  if (level === 'one') return used === users.length && used > 0 ? 1 : 0;
  // A number costs least where other numbers are computed once.
  if (node.size === 1) return 100 + 2 * (made.length + used);
  const whole = used === users.length ? 1 : 0;
  if (group.kind === 'matmul') return 8 * (spared + used) + 3 * made.length + whole * used;
  if (group.splits > 1) return 0;
  const reads = new Set([...group.levels.keys()].flatMap((x) => groups.dependencies.inputsOf(x)));
  const shared = inputs.filter((x) => reads.has(x)).length;
  return 8 * spared + 8 * used + 2 * shared + made.length + whole * used;
}
