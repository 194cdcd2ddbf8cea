// A sound at another rate: a sinc with a Hann window about it, as wide as the lower of both rates asks.

/** Zero crossings of the sinc to either side. */
const CROSSINGS = 16;

/** @param data one channel; @returns ⌈n · to / from⌉ samples */
export function resample(data: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return data;
  const step = from / to;
  // Frequencies that the new rate has no room for are left out.
  const cutoff = Math.min(1, to / from);
  const reach = CROSSINGS / cutoff;
  return Float32Array.from({ length: Math.ceil(data.length / step) }, (_, i) => {
    const centre = i * step;
    const last = Math.min(data.length - 1, Math.floor(centre + reach));
    let [sum, weights] = [0, 0];
    for (let j = Math.max(0, Math.ceil(centre - reach)); j <= last; j++) {
      const away = j - centre;
      const x = Math.PI * cutoff * away;
      const weight =
        (x === 0 ? 1 : Math.sin(x) / x) * (0.5 + 0.5 * Math.cos((Math.PI * away) / reach));
      sum += weight * (data[j] as number);
      weights += weight;
    }
    return sum / weights;
  });
}
