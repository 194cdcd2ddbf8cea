// Probability distributions: densities in nats, draws, entropies, divergences.
export { type Block, Blockwise } from './blockwise.ts';
export { NegativeBinomial, Poisson } from './counts.ts';
export { type Density, type Draw, type DrawOptions, tempered } from './density.ts';
export { Beta, Dirichlet, klBeta, klDirichlet } from './dirichlet.ts';
export { Bernoulli, Categorical, DiscretizedLogistic, klBernoulli } from './discrete.ts';
export type { Distribution, Parameter, Reparameterized } from './distribution.ts';
export { type Closed, klDivergence } from './divergence.ts';
export { Gamma, klGamma } from './gamma.ts';
export { Laplace } from './laplace.ts';
export { LearnedMixture, LearnedNormal } from './learned.ts';
export { LogisticMixture } from './logistic-mixture.ts';
export { chosenComponents, type MixtureParameters, NormalMixture } from './mixture.ts';
export { Mixture } from './mixture-of.ts';
export { MultivariateNormal } from './multivariate-normal.ts';
export { Normal, StandardNormal } from './normal.ts';
export { hottest, klOneHot, OneHot, UniformOneHot } from './one-hot.ts';
export { StudentT } from './student-t.ts';
export { Uniform } from './uniform.ts';
