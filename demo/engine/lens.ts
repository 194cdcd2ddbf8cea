// Looks through the model while it trains: codes of images, images of codes.
import { input, type Runtime, type Tensor, type Vae } from '../../src/index.ts';
import type { Plan } from '../../src/scheduler/index.ts';

/** Rows of one run of each plan: small, so that a finger on the map is answered at once. */
const ENCODED = 100;
const DECODED = 20;

/**
 * Two plans that share their parameters with the training step. Neither draws noise, so neither
 * needs the step counter, which belongs to the training.
 */
export class Lens {
  readonly runtime: Runtime;
  private readonly encoder: Plan;
  private readonly decoder: Plan;
  private readonly x: ReturnType<typeof input>;
  private readonly z: ReturnType<typeof input>;

  private constructor(
    runtime: Runtime,
    plans: readonly [Plan, Plan],
    x: ReturnType<typeof input>,
    z: ReturnType<typeof input>,
  ) {
    this.runtime = runtime;
    [this.encoder, this.decoder] = plans;
    this.x = x;
    this.z = z;
  }

  static async open(runtime: Runtime, model: Vae): Promise<Lens> {
    const x = input('lens.x', [ENCODED, model.features]);
    const z = input('lens.z', [DECODED, model.latent]);
    const { mean, logStd } = model.posterior({ x });
    const plans = await Promise.all([
      runtime.compile({ outputs: { mean, logStd: logStd as Tensor } }),
      runtime.compile({ outputs: { image: model.decode(z).mean } }),
    ]);
    return new Lens(runtime, plans, x, z);
  }

  /** Posterior means and log deviations [count, M] of images [count, D]. */
  async encode(images: Float32Array, count: number) {
    const width = this.x.size / ENCODED;
    const means: Float32Array[] = [];
    const logStds: Float32Array[] = [];
    for (let start = 0; start < count; start += ENCODED) {
      const rows = Math.min(ENCODED, count - start);
      this.runtime.write(this.x, padded(images, start * width, rows * width, this.x.size));
      await this.encoder.run();
      const used = (rows * this.z.size) / DECODED;
      means.push(((await this.encoder.read('mean')) as Float32Array).subarray(0, used));
      logStds.push(((await this.encoder.read('logStd')) as Float32Array).subarray(0, used));
    }
    return { mean: joined(means), logStd: joined(logStds) };
  }

  /** Images [count, D] of codes [count, M]. */
  async decode(codes: Float32Array, count: number): Promise<Float32Array> {
    const latent = this.z.size / DECODED;
    const images: Float32Array[] = [];
    for (let start = 0; start < count; start += DECODED) {
      const rows = Math.min(DECODED, count - start);
      this.runtime.write(this.z, padded(codes, start * latent, rows * latent, this.z.size));
      await this.decoder.run();
      const decoded = (await this.decoder.read('image')) as Float32Array;
      images.push(decoded.subarray(0, (rows * decoded.length) / DECODED));
    }
    return joined(images);
  }
}

function padded(values: Float32Array, start: number, used: number, size: number): Float32Array {
  if (used === size) return values.subarray(start, start + size);
  const result = new Float32Array(size);
  result.set(values.subarray(start, start + used));
  return result;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const result = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
