import { LatentGpuError } from './errors.ts';

/**
 * Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011):
 * ten rounds over a counter of four words under a key of two.
 *
 * Integer arithmetic only: the same words on every platform.
 */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0);
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/** The upper 32 bits of the product of two unsigned 32-bit words. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  // Every sum stays below 2^32, so that shifts, several times as fast as divisions, lose nothing.
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  return aHigh * bHigh + (middle >>> 16) + (carry >>> 16);
}

/**
 * A seed as the two 32-bit words of a key.
 *
 * @throws LatentGpuError `bad-config` unless it is a whole number from 0 to 2⁵³ − 1
 */
export function seedWords(seed: number): [number, number] {
  if (!(Number.isSafeInteger(seed) && seed >= 0)) {
    throw new LatentGpuError(
      'bad-config',
      `seed is ${seed}; it must be a whole number from 0 to 2^53 - 1`,
    );
  }
  return [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
}

/**
 * A normal draw from two uniform ones in [0, 1): √(-2 log(1 - u)) cos 2πv (Box and Muller 1958), with
 * the tails and the roundness that {@link Random.normal} lacks.
 */
export function boxMuller(uniform: () => number, std = 1): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
  return std * radius * Math.cos(2 * Math.PI * uniform());
}

/** A stream of random numbers that is a function of seed, stream and element alone. */
export class Random {
  readonly #key: readonly [number, number];
  readonly #stream: number;
  readonly #element: number;
  #block = 0;
  #words: readonly number[] = [];
  #used = 0;

  /**
   * @param seed a whole number from 0 to 2⁵³ − 1
   * @param stream which of the independent streams of this seed
   * @param element which element of the stream (an image, a shuffle), each with numbers of its own
   */
  constructor(seed: number, stream: number, element: number) {
    this.#key = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
    this.#stream = stream;
    this.#element = element;
  }

  /** A uniform unsigned 32-bit word. */
  word(): number {
    if (this.#used === this.#words.length) {
      const counter = [this.#element, this.#stream, this.#block++, 0] as const;
      this.#words = philox4x32(counter, this.#key);
      this.#used = 0;
    }
    return this.#words[this.#used++] as number;
  }

  /** Uniform in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.word() / 2 ** 32);
  }

  /** A uniform whole number in [0, bound); the bias is below bound / 2³². */
  integer(bound: number): number {
    return Math.floor((this.word() / 2 ** 32) * bound);
  }

  /**
   * Nearly normal with mean 0, deviation 1 and no more than ±3.5: a sum of four uniforms
   * (Irwin–Hall), because logarithms and cosines differ between platforms and sums do not.
   */
  normal(): number {
    const sum = this.uniform() + this.uniform() + this.uniform() + this.uniform();
    return (sum - 2) * 1.7320508075688772;
  }
}

/** 0 … n - 1 in a random order (Fisher and Yates). */
export function shuffled(n: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
