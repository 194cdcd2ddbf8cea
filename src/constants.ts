// Numbers that several floors agree on, each with one home.

/** The smallest standard deviation a decoder may give: the density stays bounded. */
export const MIN_STD = 1e-3;

/**
 * A unit is active if its posterior mean varies over the data by more than this (variance; Burda, Grosse
 * and Salakhutdinov 2016).
 */
export const ACTIVE_VARIANCE = 0.01;

/** Importance samples of a row: of a careful evaluation, and of quick answers about many rows. */
export const IMPORTANCE_SAMPLES = { evaluation: 5000, scores: 500 } as const;

/** Rows whose likelihood is estimated unless more are asked for: it is nearly all of the work. */
export const LIKELIHOOD_ROWS = 1000;

/** The label of a row whose class is not known. */
export const UNKNOWN_CLASS = 0xffffffff;
