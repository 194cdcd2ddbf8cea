// Probability distributions: densities in nats, draws, entropies, divergences.
export { Bernoulli, Categorical, DiscretizedLogistic } from './discrete.ts';
export type { Distribution, Reparameterized } from './distribution.ts';
export { klDivergence, Normal, StandardNormal } from './normal.ts';
