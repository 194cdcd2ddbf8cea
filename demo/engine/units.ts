// What each dimension of a code tells of the data.

/**
 * @param mean posterior means, [count, M]
 * @param logStd of posteriors under a prior N(0, I), [count, M]; without, divergences are not known
 * @returns for each dimension the mean KL(q ‖ N(0, 1)) in nats, and the variance of the posterior mean
 */
export function unitsOf(mean: Float32Array, logStd: Float32Array | undefined, latent: number) {
  const count = mean.length / latent;
  const kl = logStd && new Float64Array(latent);
  const first = new Float64Array(latent);
  const second = new Float64Array(latent);
  for (let i = 0; i < mean.length; i++) {
    const d = i % latent;
    const mu = mean[i] as number;
    if (kl && logStd) {
      const s = logStd[i] as number;
      kl[d] = (kl[d] as number) + (0.5 * (mu * mu + Math.exp(2 * s) - 1) - s) / count;
    }
    first[d] = (first[d] as number) + mu / count;
    second[d] = (second[d] as number) + (mu * mu) / count;
  }
  return { kl, variance: second.map((value, d) => value - (first[d] as number) ** 2) };
}
