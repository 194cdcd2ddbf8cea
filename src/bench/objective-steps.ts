// What an objective, an estimator or another code costs beside the plain step: steps of one net that differ
// in nothing else, measured in the same rounds.
import type { VaeConfig } from '../models/index.ts';
import type { ObjectiveConfig } from '../objectives/index.ts';
import type { BenchReport } from './report.ts';
import { type Interval, ratioOfMedians } from './statistics.ts';

export interface TrainingSpec {
  readonly batch: number;
  /** What is left out is as in the table of keys. */
  readonly objective: Partial<ObjectiveConfig>;
  /** Of the hidden layers. Default: 300. */
  readonly width?: number;
  /** Numbers of a code. Default: 20. */
  readonly latent?: number;
  readonly code?: VaeConfig['code'];
  readonly posterior?: VaeConfig['posterior'];
  readonly prior?: VaeConfig['prior'];
  /** Rows of the data. Default: 1,000. */
  readonly rows?: number;
  /**
   * `many`: as many steps a submission as the plan sees fit, two submissions under way; `single`: one
   * step a submission, two under way; `waited`: one, and each is waited for. Default: `many`.
   */
  readonly submissions?: 'many' | 'single' | 'waited';
}

export const ELBO: TrainingSpec['objective'] = {
  bound: 'elbo',
  samples: 1,
  kl: 'analytic',
  beta: 1,
};

export const PLAIN = {
  vae: 'VAE step, batch 100',
  iwae5: 'IWAE step K=5, batch 20',
  iwae50: 'IWAE step K=50, batch 20',
  /** The net of the categorical code, with a code of as many real numbers. */
  wide: 'plain step 256-200-256',
} as const;

const vae = (objective: TrainingSpec['objective']): TrainingSpec => ({ batch: 100, objective });
const iwae = (
  samples: number,
  estimator: 'reparameterized' | 'dreg' = 'reparameterized',
): TrainingSpec => ({ batch: 20, objective: { bound: 'iwae', samples, estimator } });

export const plainSpecs: Readonly<Record<string, TrainingSpec>> = {
  [PLAIN.vae]: vae(ELBO),
  [PLAIN.iwae5]: iwae(5),
  [PLAIN.iwae50]: iwae(50),
  [PLAIN.wide]: { ...vae(ELBO), width: 256, latent: 200 },
};

/** By name: the step, and the plain one that it is measured beside. */
const others: Readonly<Record<string, readonly [TrainingSpec, beside: string]>> = {
  'STL step': [vae({ estimator: 'stl' }), PLAIN.vae],
  'free bits step': [vae({ freeBits: 0.25 }), PLAIN.vae],
  'annealing step': [vae({ anneal: 'linear' }), PLAIN.vae],
  'KL constraint step': [vae({ constraint: 'kl' }), PLAIN.vae],
  'DReG step K=5': [iwae(5, 'dreg'), PLAIN.iwae5],
  'DReG step K=50': [iwae(50, 'dreg'), PLAIN.iwae50],
  'Gumbel step 256-20×10-256': [
    {
      ...vae({ estimator: 'gumbel' }),
      width: 256,
      code: { kind: 'categorical', groups: 20, classes: 10 },
    },
    PLAIN.wide,
  ],
  'VampPrior step, 500 pseudo-inputs': [
    { ...vae({ ...ELBO, kl: 'sampled' }), prior: { kind: 'vamp', components: 500 } },
    PLAIN.vae,
  ],
  'free posterior step': [{ ...vae(ELBO), posterior: { kind: 'free' } }, PLAIN.vae],
};

export const objectiveSpecs: Readonly<Record<string, TrainingSpec>> = Object.fromEntries(
  Object.entries(others).map(([name, [spec]]) => [name, spec]),
);

export interface CostBeside {
  readonly step: string;
  readonly beside: string;
  /** Its time over the plain step's. */
  readonly ratio: Interval;
  /** The same of the fastest samples. */
  readonly bestRatio: number;
  /** The same of processor time, which another program's share of the machine hardly moves. */
  readonly cpuRatio?: number;
}

/** Of every such step that was measured with its plain one. */
export function costsBeside({ rows }: BenchReport): CostBeside[] {
  const find = (name: string) => rows.find((row) => row.name === name);
  return Object.entries(others).flatMap(([step, [, beside]]) => {
    const [own, plain] = [find(step), find(beside)];
    if (!own || !plain) return [];
    const { ratio } = ratioOfMedians(own.samples, plain.samples);
    const bestRatio = own.ms.min / plain.ms.min;
    const hasCpu = own.cpuMs !== null && plain.cpuMs !== null;
    return [
      { step, beside, ratio, bestRatio, ...(hasCpu && { cpuRatio: own.cpuMs / plain.cpuMs }) },
    ];
  });
}
