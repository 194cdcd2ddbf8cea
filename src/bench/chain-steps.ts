// Markov chains at work: a leapfrog step of Hamiltonian Monte Carlo of a VAE's codes.
import { variable } from '../graph/variable.ts';
import { Feed, Trajectory, Vae } from '../models/index.ts';
import { prepareProgram } from './program-step.ts';
import type { StepSubject, Workbench } from './step-subject.ts';

const [ROWS, CHAINS, LEAPFROG, LATENT] = [20, 4, 8, 20];

/** A step of all chains at once, of the lectures' network; a draw of each takes eight. */
const NAME = `HMC leapfrog step, ${ROWS} rows × ${CHAINS}`;

export const CHAIN_STEPS: readonly string[] = [NAME];

/** One of {@link CHAIN_STEPS}, warm and ready to be sampled. */
export function prepareChains(name: string, workbench: Workbench): Promise<StepSubject> {
  const net = { hidden: [300], activation: 'relu' as const };
  const model = new Vae({
    shape: [28, 28],
    encoder: net,
    latent: LATENT,
    decoder: net,
    likelihood: { kind: 'bernoulli' },
    init: 'torch',
  });
  const feed = new Feed(model, ROWS);
  const chain = new Trajectory(model, feed.batch, { chains: CHAINS, leapfrog: LEAPFROG });
  const logStep = variable('log step', [ROWS, 1], {
    init: () => new Float32Array(ROWS).fill(-2),
  });
  return prepareProgram(name, { effects: [...chain.leap({ logStep }).effects] }, workbench);
}
