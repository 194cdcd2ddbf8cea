// What a mixture is on the host.

/** One mixture's numbers, K components of D features, in float64. */
export interface MixtureValues {
  /** [K]. */
  readonly logWeights: Float64Array;
  /** [K, D]. */
  readonly mean: Float64Array;
  /** [K | 1, …], packed. */
  readonly factor: Float64Array;
}
