// The whole numbers of images made continuous, so that a density bounds their probability.
import type { Tensor } from '../graph/tensor.ts';
import { Module } from '../nn/index.ts';
import {
  add,
  logSigmoid,
  mul,
  neg,
  randomNormal,
  randomUniform,
  sigmoid,
  standardNormalLogProb,
  sub,
} from '../ops/index.ts';
import { type Bijection, checkEvents, perEvent } from './bijection.ts';

/** Grey level n of `levels`, as n / (levels - 1), becomes (n + u) / levels. */
function raised(x: Tensor, u: Tensor, levels: number): Tensor {
  return mul(add(mul(x, levels - 1), u), 1 / levels);
}

/**
 * Uniform dequantisation: (n + u) / levels with u ~ U(0, 1), for x = n / (levels - 1). The log-density of
 * the result bounds log P(n) from below after `D log levels` is taken off (Theis, van den Oord and
 * Bethge 2016).
 *
 * @example flows.dequantize(ops.zeros([4, 784])).shape // [4, 784]
 */
export function dequantize(x: Tensor, levels = 256): Tensor {
  return raised(x, randomUniform(x.shape), levels);
}

/** A draw of dequantised data, and log q(u | x) of what was added, in nats: [B]. */
export interface Dequantized {
  readonly value: Tensor;
  readonly logProb: Tensor;
}

/**
 * Variational dequantisation: (n + u) / levels with u = σ(g(ε | x)), ε ~ N(0, I). With p the density of
 * the result, log p - log q(u | x) - D log levels bounds log P(n) from below, tighter than uniform u
 * where p is smooth and g has learned (Ho, Chen, Srinivas, Duan and Abbeel 2019, 3.1).
 *
 * ```ts
 * const { value, logProb } = dequantizer.call(images);
 * const bound = ops.sub(flow.logProb(value), logProb);
 * ```
 */
export class VariationalDequantizer extends Module {
  readonly bijection: Bijection;
  readonly levels: number;

  /** @param bijection g, of images [H, W, C], whose context is the image, in ±½ */
  constructor(bijection: Bijection, levels = 256) {
    super();
    this.bijection = bijection;
    this.levels = levels;
  }

  /** @param x images [B, H, W, C] of grey levels n / (levels - 1) */
  call(x: Tensor): Dequantized {
    const { bijection, levels } = this;
    checkEvents('dequantisation', x, bijection.dataShape);
    const noise = randomNormal([x.shape[0] as number, ...bijection.shape]);
    const { value: y, logDet } = bijection.forward(noise, sub(x, 0.5));
    const slope = perEvent(add(logSigmoid(y), logSigmoid(neg(y))));
    const ofNoise = perEvent(standardNormalLogProb(noise));
    return {
      value: raised(x, sigmoid(y), levels),
      logProb: sub(sub(ofNoise, logDet), slope),
    };
  }
}

/**
 * Nats of a density of dequantised data as bits for each dimension of the whole-number data.
 *
 * @example flows.bitsPerDimension(-784 * Math.LN2, 784) // 9
 */
export function bitsPerDimension(logProb: number, dimensions: number, levels = 256): number {
  return -logProb / (dimensions * Math.LN2) + Math.log2(levels);
}
