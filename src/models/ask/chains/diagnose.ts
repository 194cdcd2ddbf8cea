// Whether chains have met, and how many independent draws theirs are worth.
// Gelman et al. 2013, "Bayesian Data Analysis", 11.4 and 11.5; Geyer 1992; Vehtari et al. 2021.

export interface Diagnosis {
  readonly mean: number;
  /** Of the draws about that mean. */
  readonly std: number;
  /** Split R-hat: how much wider all chains lie than each half of one; near 1 where they have met. */
  readonly rHat: number;
  /** Independent draws that tell the mean as well. */
  readonly effectiveSampleSize: number;
}

/** @param chains draws of one number, of several chains of one length ≥ 4 */
export function diagnose(chains: readonly Float64Array[]): Diagnosis {
  const length = (chains[0] as Float64Array).length;
  const half = Math.floor(length / 2);
  // Halves: a chain that drifts does not agree with itself.
  const parts = chains.flatMap((chain) => [chain.subarray(0, half), chain.subarray(length - half)]);
  const means = parts.map(meanOf);
  const within = meanOf(parts.map((part, i) => spread(part, means[i] as number) / (half - 1)));
  const middle = meanOf(means);
  const between = spread(means, middle) / (parts.length - 1);
  const total = ((half - 1) / half) * within + between;
  const all = chains.flatMap((chain) => [...chain]);
  const mean = meanOf(all);
  const std = Math.sqrt(spread(all, mean) / (all.length - 1));
  if (!(within > 0)) {
    // Chains that never moved: in one place, or in several.
    return { mean, std, rHat: between > 0 ? Number.POSITIVE_INFINITY : 1, effectiveSampleSize: 1 };
  }
  return {
    mean,
    std,
    rHat: Math.sqrt(total / within),
    effectiveSampleSize: effective(parts, means, within, total),
  };
}

/** Draws over 1 + 2 Σ ρ, where pairs of autocorrelations count while they are positive and fall. */
function effective(
  parts: readonly Float64Array[],
  means: readonly number[],
  within: number,
  total: number,
): number {
  const length = (parts[0] as Float64Array).length;
  const correlation = (lag: number) => {
    const covariance = meanOf(
      parts.map((part, i) => {
        const mean = means[i] as number;
        let sum = 0;
        for (let t = lag; t < length; t++) {
          sum += ((part[t] as number) - mean) * ((part[t - lag] as number) - mean);
        }
        return sum / length;
      }),
    );
    return 1 - (within - (length / (length - 1)) * covariance) / total;
  };
  const draws = parts.length * length;
  let time = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let lag = 0; lag + 1 < length; lag += 2) {
    const pair = (lag === 0 ? 1 : correlation(lag)) + correlation(lag + 1);
    if (pair <= 0) break;
    least = Math.min(least, pair);
    time += 2 * least;
  }
  // Chains that swing about their mean tell it better than independent draws, up to a limit (Stan's).
  return Math.min(draws / Math.max(time, 1e-9), draws * Math.log10(draws));
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

/** Σ (x - mean)². */
function spread(values: ArrayLike<number>, mean: number): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += ((values[i] as number) - mean) ** 2;
  return sum;
}
