// Groups of parameters that take turns, by the step counter: variational EM is one of two.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { PART_ALIGNMENT, packedMembers, type Variable } from '../graph/variable.ts';
import {
  add,
  constant,
  divUint,
  equal,
  greaterEqual,
  iota,
  less,
  modUint,
  mul,
  step,
  toFloat,
  where,
} from '../ops/index.ts';

export interface Turns {
  /** Every parameter is in one of them; what a step follows beside them belongs to the first. */
  readonly groups: readonly (readonly Variable[])[];
  /** Steps of each group in turn; then it is the first one's turn again. */
  readonly steps: readonly number[];
}

/** Whose turn it is at a step. A group that waits keeps its moments, its averages and its count. */
export class Turn {
  /** For each group 1 if it is its turn, else 0 (float32 scalars). */
  readonly active: readonly [Tensor, ...Tensor[]];
  /** The same, for each element of the flat parameters. */
  readonly mask: Tensor;
  private readonly runs: readonly Run[];

  /**
   * @param flat all parameters
   * @param followed whether the first group has something besides parameters
   * @throws LatentGpuError `bad-config`
   */
  constructor(flat: Variable, { groups, steps }: Turns, followed: boolean) {
    check(groups, steps, followed);
    this.runs = runsOf(flat, groups, 'turns');
    const place = toFloat(
      modUint(
        step,
        steps.reduce((a, b) => a + b),
      ),
    );
    // How many groups have had their turn in this round.
    let number: Tensor = constant(0);
    let start = 0;
    for (const length of steps.slice(0, -1)) {
      start += length;
      number = add(number, greaterEqual(place, start));
    }
    this.active = groups.map((_, g) => equal(number, g)) as [Tensor];
    this.mask = equal(ownersOf(flat, this.runs), number);
  }

  /** The group that owns an element of the flat parameters. */
  groupAt(element: number): number {
    return (this.runs.find(({ end }) => element < end) as Run).group;
  }

  /** Of a scalar for each group, that of the one whose turn it is. */
  own(numbers: readonly Tensor[]): Tensor {
    return numbers.map((n, g) => mul(this.active[g] as Tensor, n)).reduce((a, b) => add(a, b));
  }
}

/** Elements of the flat parameters up to `end` that one group owns. */
interface Run {
  readonly group: number;
  end: number;
}

/** Of each element of the flat parameters, the number of the group that owns it. */
export function ownersOf(flat: Variable, runs: readonly Run[]): Tensor {
  // In units of a part's alignment, which float32 counts beyond any memory.
  const at = toFloat(divUint(iota(flat.size), PART_ALIGNMENT));
  const [last, ...others] = [...runs].reverse() as [Run, ...Run[]];
  return others.reduce<Tensor>(
    (rest, run) => where(less(at, run.end / PART_ALIGNMENT), run.group, rest),
    constant(last.group),
  );
}

/** 1 for each element of the flat parameters that moves, 0 for those of frozen ones. */
export function movingOf(flat: Variable, frozen: ReadonlySet<Variable>): Tensor {
  const members = packedMembers(flat);
  const groups = [true, false].map((isFrozen) => members.filter((p) => frozen.has(p) === isFrozen));
  return ownersOf(flat, runsOf(flat, groups, 'frozen'));
}

/** @param what the groups are for, in messages */
export function runsOf(flat: Variable, groups: Turns['groups'], what: string): Run[] {
  const members = packedMembers(flat);
  const owners = new Map<Variable, number>();
  for (const [g, group] of groups.entries()) {
    for (const parameter of group) {
      if (!members.includes(parameter)) throw bad(`${parameter} is none of the parameters`, what);
      if (owners.has(parameter)) throw bad(`${parameter} is in two groups`, what);
      owners.set(parameter, g);
    }
  }
  const runs: Run[] = [];
  for (const [i, member] of members.entries()) {
    const group = owners.get(member);
    if (group === undefined) throw bad(`${member} is in no group`, what);
    const end = members[i + 1]?.parent?.offset ?? flat.size;
    const last = runs.at(-1);
    if (last?.group === group) last.end = end;
    else runs.push({ group, end });
  }
  return runs;
}

function check(groups: Turns['groups'], steps: readonly number[], followed: boolean): void {
  if (groups.length < 2 || groups.length !== steps.length) {
    throw bad(`${groups.length} groups and ${steps.length} numbers of steps; give two or more`);
  }
  const wrong = steps.find((n) => !(Number.isInteger(n) && n >= 1));
  if (wrong !== undefined) throw bad(`a turn of ${wrong} steps; give a whole number above 0`);
  const empty = groups.findIndex((group, g) => group.length === 0 && !(g === 0 && followed));
  if (empty >= 0) throw bad(`group ${empty} has no parameter`);
}

const bad = (why: string, what = 'turns') => new LatentGpuError('bad-config', `${what}: ${why}`);
