// Whether a model that is a bijection keeps its promises, as far as that can be computed.
import { certify, Flow } from '../../flows/index.ts';
import { boxMuller, Random } from '../../random.ts';
import type { Runtime } from '../../scheduler/index.ts';
import { STREAMS } from '../../streams.ts';
import { type Model, need } from '../model.ts';
import { FlowSampler } from './flow-sampler.ts';
import { checkStop, type WorkOptions } from './rows.ts';

/** Features beyond which the Jacobian, a number for every pair of them, is not formed. */
const MOST = 1024;
/** Coordinates whose passes one graph holds: more cannot be differentiated. */
const UNROLLED = 64;
/** What passes in both directions are of the work, about. */
const PASSES = 0.1;

export interface FlowCertificate {
  readonly points: number;
  /** Of inverse(forward(z)), relative to the largest |z| where that is above 1. */
  readonly inversion: number;
  /** Of forward(inverse(x)), in the same way. */
  readonly reinversion: number;
  /** |log det forward + log det inverse| at matching points, in nats. */
  readonly logDetSum: number;
  /**
   * The larger of both directions' |claimed - that of the autodiff Jacobian| in nats; null where the
   * Jacobian is not formed.
   */
  readonly logDet: number | null;
  /** The largest |log-determinant|: float32 has about seven digits of it. */
  readonly largestLogDet: number;
  /** Why there is no Jacobian. */
  readonly remark?: string;
}

/** Why the Jacobian cannot be had, if it cannot. */
function obstacle(features: number, flow: Flow): string | undefined {
  if (features > MOST) {
    return `the Jacobian of ${features} features is not formed (at most ${MOST}): inversion and the sum of both log-determinants only`;
  }
  const { cost } = flow.bijection;
  const unrolls = flow.bijection.stages('forward').concat(flow.bijection.stages('inverse'));
  if (features > UNROLLED && unrolls.some((stage) => 'recur' in stage)) {
    return `${cost.forward === 'sequential' ? 'forward' : 'inverse'} takes ${features} passes, which are not differentiated (at most ${UNROLLED}): inversion and the sum of both log-determinants only`;
  }
  return undefined;
}

/** Points [count, D] of N(0, I), the same for the same seed. */
function points(count: number, features: number, seed: number): Float32Array {
  const z = new Float32Array(count * features);
  for (let i = 0; i < count; i++) {
    const random = new Random(seed, STREAMS.certificate, i);
    for (let d = 0; d < features; d++) {
      z[i * features + d] = boxMuller(() => random.uniform());
    }
  }
  return z;
}

/** The largest difference, relative to the largest value where that is above 1. */
function apart(a: Float32Array, b: Float32Array): number {
  let [worst, size] = [0, 1];
  for (let i = 0; i < a.length; i++) {
    const off = Math.abs((a[i] as number) - (b[i] as number));
    if (!(off <= worst)) worst = Number.isNaN(off) ? Number.POSITIVE_INFINITY : off;
    size = Math.max(size, Math.abs(b[i] as number));
  }
  return worst / size;
}

/**
 * Tries a flow at draws of N(0, I) and at the data that they become, with the parameters on the runtime.
 * A logit is left out: its two formulas are certified by themselves, and float32 keeps no digits of data
 * next to 1, whatever is done with them.
 *
 * @throws LatentGpuError `bad-input` for a model that is no bijection, `interrupted`
 * @example const certificate = await certifyFlow(runtime, model, 10, 1);
 */
export async function certifyFlow(
  runtime: Runtime,
  model: Model,
  count: number,
  seed: number,
  { signal, onProgress }: WorkOptions = {},
): Promise<FlowCertificate> {
  const { features } = model;
  const { flow, layers } = need(model, 'bijection', 'this');
  const z = points(count, features, seed);
  const sampler = new FlowSampler(runtime, new Flow(layers), { batch: Math.min(8, count) });
  try {
    const ahead = await sampler.forward(z, { ...(signal && { signal }) });
    const back = await sampler.inverse(ahead.value, { ...(signal && { signal }) });
    const again = await sampler.forward(back.value, { ...(signal && { signal }) });
    const sums = ahead.logDet.map((value, i) => value + (back.logDet[i] as number));
    const remark = obstacle(features, flow);
    onProgress?.(PASSES);
    checkStop(signal, 'the certificate');
    let logDet: number | null = null;
    if (remark === undefined) {
      const { forwardLogDet, inverseLogDet } = await certify(runtime, layers, z);
      logDet = Math.max(forwardLogDet, inverseLogDet);
    }
    return {
      points: count,
      inversion: apart(back.value, z),
      reinversion: apart(again.value, ahead.value),
      logDetSum: sums.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
      logDet,
      largestLogDet: ahead.logDet.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
      ...(remark !== undefined && { remark }),
    };
  } finally {
    await sampler.destroy();
  }
}
