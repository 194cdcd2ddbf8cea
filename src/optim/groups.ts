// Groups of parameters with update rules of their own: other rates, decays, schedules, or another optimizer.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { packedMembers, type Variable } from '../graph/variable.ts';
import { constant, equal, where } from '../ops/index.ts';
import type { UpdateContext } from './followed.ts';
import type { Optimizer, UpdateInput, UpdateOutput } from './optimizers.ts';
import { ownersOf, runsOf } from './turns.ts';

/** Parameters, and what moves them in place of the optimizer of all others. */
export interface ParameterGroup {
  /** `model.encoder.parameters()`, say; of tables that learn by rows their `values`. */
  readonly parameters: readonly Variable[];
  readonly optimizer: Optimizer;
}

/** The learning rate of an optimizer at a step (float32 scalars). */
const rateOf = ({ learningRate }: Optimizer, at: Tensor): Tensor =>
  typeof learningRate === 'number' ? constant(learningRate) : learningRate(at);

/** The optimizer of all parameters that are in no group, and those of the groups, as one update. */
export class GroupedUpdate {
  /** Learning rates: of the optimizer of all others, and of each group's (float32 scalars). */
  readonly rates: readonly Tensor[];
  private readonly optimizers: readonly Optimizer[];
  private readonly groups: readonly ParameterGroup[];
  /** Of each element of the flat parameters the number of its optimizer; undefined where there is but one. */
  private readonly owners: Tensor | undefined;

  /**
   * @param flat all parameters
   * @param tables what learns by rows beside them
   * @param at the step (float32 scalar)
   * @throws LatentGpuError `bad-config` for what is none of them, or in two groups
   */
  constructor(
    flat: Variable,
    optimizer: Optimizer,
    groups: readonly ParameterGroup[],
    tables: readonly Variable[],
    at: Tensor,
  ) {
    this.optimizers = [optimizer, ...groups.map((group) => group.optimizer)];
    this.rates = this.optimizers.map((each) => rateOf(each, at));
    this.groups = groups;
    const members = packedMembers(flat);
    const owned = groups.map(({ parameters }) => {
      for (const each of parameters) {
        if (!members.includes(each) && !tables.includes(each))
          throw bad(`${each} is none of the model's parameters`);
      }
      return parameters.filter((each) => members.includes(each));
    });
    const taken = new Set(owned.flat());
    const rest = members.filter((member) => !taken.has(member));
    this.owners =
      taken.size > 0 ? ownersOf(flat, runsOf(flat, [rest, ...owned], 'groups')) : undefined;
  }

  /** Names of the vectors that any of them keeps. */
  get state(): string[] {
    return [...new Set(this.optimizers.flatMap(({ state }) => state))];
  }

  /** The optimizer of what learns beside the parameters, and its rate. */
  ruleOf(table: Variable | undefined): Pick<UpdateContext, 'optimizer' | 'learningRate'> {
    const g = this.groups.findIndex(({ parameters }) => table && parameters.includes(table)) + 1;
    return { optimizer: this.optimizers[g] as Optimizer, learningRate: this.rates[g] as Tensor };
  }

  /** As {@link Optimizer.update}: each element as its own optimizer has it. */
  update(input: Omit<UpdateInput, 'learningRate'>): UpdateOutput {
    const { owners, optimizers } = this;
    const used = owners ? optimizers : optimizers.slice(0, 1);
    const made = used.map((each, g) =>
      each.update({ ...input, learningRate: this.rates[g] as Tensor }),
    );
    const chosen = (of: (output: UpdateOutput) => Tensor | undefined, old: Tensor) =>
      made.slice(1).reduce(
        (before, output, g) => {
          const own = of(output) ?? old;
          return owners && own !== before ? where(equal(owners, g + 1), own, before) : before;
        },
        of(made[0] as UpdateOutput) ?? old,
      );
    const state = this.state.map((name) => {
      const value = chosen((output) => output.state[name], input.state[name] as Tensor);
      return [name, value] as const;
    });
    return {
      parameters: chosen(({ parameters }) => parameters, input.parameters),
      state: Object.fromEntries(state),
    };
  }
}

const bad = (why: string) => new LatentGpuError('bad-config', `groups: ${why}`);
