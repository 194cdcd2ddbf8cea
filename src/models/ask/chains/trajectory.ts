// Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011) of codes under log p(z) + β log p(x | z), all rows and
// chains side by side. A step of a plan is one leapfrog step: the first of a trajectory draws momenta, the last
// accepts or goes back, so that one gradient is compiled however long trajectories are.
import type { Tensor } from '../../../graph/tensor.ts';
import { type Variable, variable } from '../../../graph/variable.ts';
import type { Batch } from '../../../nn/index.ts';
import {
  add,
  addUint,
  assign,
  exp,
  gradient,
  greater,
  less,
  minimum,
  mul,
  randomNormal,
  randomUniform,
  reshape,
  square,
  step,
  sub,
  sum,
  where,
  zeros,
} from '../../../ops/index.ts';
import type { Runtime } from '../../../scheduler/index.ts';
import { CHAIN_STREAMS } from '../../../streams.ts';
import { type Model, need } from '../../model.ts';

export interface TrajectoryOptions {
  /** C chains for each of B rows. */
  readonly chains: number;
  /** Leapfrog steps of a trajectory. */
  readonly leapfrog: number;
}

/** What moves codes, of which a step may be told anew at the beginning of each trajectory. */
export interface Motion {
  /** log ε, [B, 1]. */
  readonly logStep: Tensor;
  /** Deviations in whose units codes move, [B, 1, M]. Default: 1. */
  readonly scale?: Tensor;
  /** β, a scalar. Default: 1. */
  readonly beta?: Tensor;
}

export interface Leap {
  /** What the step leaves, the counter of noise included. */
  readonly effects: readonly Tensor[];
  /** Scalars, 0 or 1. */
  readonly isFirst: Tensor;
  readonly isLast: Tensor;
  /** Codes after the step, [B, C, M]: those of a trajectory's last step are its outcome. */
  readonly codes: Tensor;
  /** min(1, e^-ΔH) of where the trajectory has come to, [B, C]. */
  readonly acceptance: Tensor;
}

/** Energies may rise by this much before they count as infinite. */
const DIVERGED = 1000;
/** A trajectory's step size is within this part of what it should be: equal ones may go round in circles. */
const JITTER = 0.2;

type Place = 'code' | 'priorSlope' | 'likelihoodSlope' | 'logPrior' | 'logLikelihood';
const PLACES: readonly Place[] = [
  'code',
  'priorSlope',
  'likelihoodSlope',
  'logPrior',
  'logLikelihood',
];

/** Where a chain is, with all that is known of its place. */
type At<T> = Readonly<Record<Place, T>>;

/**
 * Trajectories of Hamiltonian Monte Carlo for B rows of a batch, C chains each: a leapfrog step a step.
 *
 * ```ts
 * const trajectory = new Trajectory(model, { x: input('x', [20, 784]) }, { chains: 4, leapfrog: 10 });
 * const begin = trajectory.begin();
 * const { effects, codes } = trajectory.leap({ logStep: ops.full([20, 1], Math.log(0.1)) });
 * ```
 */
export class Trajectory {
  readonly now: At<Variable>;
  private readonly from: At<Variable>;
  private readonly momentum: Variable;
  /** Kinetic energy at the trajectory's beginning, and its step size, [B, C]. */
  private readonly kinetic: Variable;
  private readonly stepSize: Variable;
  /** Steps of the trajectory that are done. */
  private readonly done = variable('done', []);
  private readonly model: Model;
  private readonly batch: Batch;
  private readonly options: TrajectoryOptions;

  /** @throws LatentGpuError `bad-input` for a model whose codes have no gradient to follow */
  constructor(model: Model, batch: Batch, options: TrajectoryOptions) {
    this.model = model;
    this.batch = batch;
    this.options = options;
    need(model, 'joint', 'this');
    const rows = batch.x.shape[0] as number;
    const each = [rows, options.chains];
    const wide = [...each, need(model, 'code', 'this').size];
    const place = (prefix: string): At<Variable> => ({
      code: variable(`${prefix} code`, wide),
      priorSlope: variable(`${prefix} prior slope`, wide),
      likelihoodSlope: variable(`${prefix} likelihood slope`, wide),
      logPrior: variable(`${prefix} log prior`, each),
      logLikelihood: variable(`${prefix} log likelihood`, each),
    });
    this.now = place('chain');
    this.from = place('trajectory from');
    this.momentum = variable('momentum', wide);
    this.kinetic = variable('kinetic', each);
    this.stepSize = variable('step size', each);
  }

  private at(code: Tensor): At<Tensor> {
    const { logPrior, logLikelihood } = need(this.model, 'joint', 'this');
    const [prior, likelihood] = [logPrior(code), logLikelihood(this.batch, code)];
    const [priorSlope] = gradient(sum(prior), [code]) as [Tensor];
    const [likelihoodSlope] = gradient(sum(likelihood), [code]) as [Tensor];
    return { code, priorSlope, likelihoodSlope, logPrior: prior, logLikelihood: likelihood };
  }

  /** Effects that put every chain at a draw of the prior. */
  begin(): Tensor[] {
    const { shape } = this.now.code;
    const [rows, chains, size] = shape as [number, number, number];
    const noise = randomNormal([rows * chains, size], { stream: CHAIN_STREAMS.start });
    const start = this.at(reshape(need(this.model, 'draw', 'this').codes(noise), shape));
    return [
      ...PLACES.map((name) => assign(this.now[name], start[name])),
      assign(this.done, zeros([])),
    ];
  }

  leap({ logStep, scale, beta }: Motion): Leap {
    const { now, from, options } = this;
    const [rows, chains] = now.logPrior.shape as [number, number];
    const wide = (of: Tensor) => reshape(of, [...of.shape, 1]);
    const isFirst = less(this.done, 0.5);
    const isLast = greater(this.done, options.leapfrog - 1.5);
    const tempered = (prior: Tensor, likelihood: Tensor) =>
      add(prior, beta ? mul(beta, likelihood) : likelihood);
    const slopeOf = (of: At<Tensor>) => {
      const slope = tempered(of.priorSlope, of.likelihoodSlope);
      return scale ? mul(scale, slope) : slope;
    };
    const energyOf = (of: At<Tensor>) => tempered(of.logPrior, of.logLikelihood);

    const began = Object.fromEntries(
      PLACES.map((name) => [name, where(isFirst, now[name], from[name])]),
    ) as unknown as At<Tensor>;
    const drawn = randomNormal(now.code.shape, { stream: CHAIN_STREAMS.momentum });
    const momentum = where(isFirst, drawn, this.momentum);
    const kineticOf = (p: Tensor) => mul(0.5, sum(square(p), -1));
    const kinetic = where(isFirst, kineticOf(drawn), this.kinetic);
    const jitter = add(
      1 - JITTER,
      mul(2 * JITTER, randomUniform([rows, chains], { stream: CHAIN_STREAMS.stepSize })),
    );
    const stepSize = where(isFirst, mul(exp(logStep), jitter), this.stepSize);

    const epsilon = wide(stepSize);
    const half = add(momentum, mul(mul(0.5, epsilon), slopeOf(now)));
    const way = mul(epsilon, half);
    const next = this.at(add(now.code, scale ? mul(scale, way) : way));
    const reached = add(half, mul(mul(0.5, epsilon), slopeOf(next)));

    const gained = sub(sub(energyOf(next), kineticOf(reached)), sub(energyOf(began), kinetic));
    // What is not a number is not greater than anything.
    const acceptance = where(greater(gained, -DIVERGED), exp(minimum(gained, 0)), 0);
    const chance = randomUniform([rows, chains], { stream: CHAIN_STREAMS.acceptance });
    const goesBack = mul(isLast, sub(1, less(chance, acceptance)));
    const after = Object.fromEntries(
      PLACES.map((name) => {
        const flag = now[name].rank === 3 ? wide(goesBack) : goesBack;
        return [name, where(flag, began[name], next[name])];
      }),
    ) as unknown as At<Tensor>;
    return {
      isFirst,
      isLast,
      acceptance,
      codes: after.code,
      effects: [
        ...PLACES.flatMap((name) => [
          assign(now[name], after[name]),
          assign(from[name], began[name]),
        ]),
        assign(this.momentum, reached),
        assign(this.kinetic, kinetic),
        assign(this.stepSize, stepSize),
        assign(this.done, where(isLast, 0, add(this.done, 1))),
        assign(step, addUint(step, 1)),
      ],
    };
  }

  release(runtime: Runtime): void {
    const { now, from, momentum, kinetic, stepSize, done } = this;
    const held = [...Object.values(now), ...Object.values(from)];
    for (const each of [...held, momentum, kinetic, stepSize, done]) runtime.release(each);
  }
}
