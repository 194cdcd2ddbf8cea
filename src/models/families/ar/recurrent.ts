// Means and deviations of every step by gated recurrent units, which have seen the steps before it.
import type { Tensor } from '../../../graph/tensor.ts';
import { variable } from '../../../graph/variable.ts';
import { delayed, Linear, Module, Recurrent } from '../../../nn/index.ts';
import {
  add,
  addUint,
  assign,
  full,
  reshape,
  scatterRows,
  transpose,
  zeros,
} from '../../../ops/index.ts';
import type { Walk } from '../../abilities.ts';
import { channelLogProb } from '../../by-channel.ts';
import { type Likelihood, makeLikelihood } from '../../likelihoods/index.ts';
import { checkUnits, type RecurrentConfig } from '../../nets/recurrent.ts';
import type { ArDensity } from './density.ts';

export class RecurrentAr extends Module implements ArDensity {
  readonly units: Recurrent;
  readonly head: Linear;
  readonly likelihood: Likelihood = makeLikelihood({ kind: 'normal', sigma: 'pixel' });
  readonly steps: number;
  readonly channels: number;

  /** Channels of a step are independent of each other given the steps before it. */
  constructor(steps: number, channels: number, { under, hidden: widths, cell }: RecurrentConfig) {
    super();
    checkUnits(under, widths);
    this.steps = steps;
    this.channels = channels;
    this.units = new Recurrent(cell, channels, widths);
    this.head = new Linear(this.units.size, channels * this.likelihood.outputsPerFeature);
  }

  override children(): [string, unknown][] {
    return [
      ['units', this.units],
      ['head', this.head],
    ];
  }

  /** What describes each step of series that have been seen before it. */
  private outputs(seen: Tensor): Tensor {
    const series = reshape(seen, [-1, this.steps, this.channels]);
    return this.head.call(this.units.call(delayed(series)));
  }

  byChannel(x: Tensor, seen: Tensor): Tensor {
    return channelLogProb(this, this.outputs(seen), x, this);
  }

  logProb(x: Tensor): Tensor {
    const { steps, channels, likelihood } = this;
    const outputs = this.outputs(x);
    // Means of all steps, then what tells their deviations.
    const apart = reshape(outputs, [-1, steps, likelihood.outputsPerFeature, channels]);
    const arranged = reshape(transpose(apart, [0, 2, 1, 3]), [x.shape[0] as number, -1]);
    return likelihood.distribution(arranged).logProb(x);
  }

  walk(rows: number): Walk {
    const { steps, channels } = this;
    const data = variable('data', [steps, rows * channels]);
    const last = variable('last', [rows, channels]);
    const states = this.units.layers.map(({ width }, i) => variable(`state${i}`, [rows, width]));
    const logProb = variable('logProb', [rows]);
    const known = variable('known', [1], { dtype: 'u32' });
    const next = this.units.step(last, states);
    const told = this.likelihood.distribution(this.head.call(this.units.shown(next)));
    const value = told.sample();
    return {
      start: [
        assign(data, zeros(data.shape)),
        assign(last, zeros(last.shape)),
        ...states.map((state) => assign(state, zeros(state.shape))),
        assign(logProb, zeros([rows])),
        assign(known, full([1], 0, 'u32')),
      ],
      legs: [
        {
          effects: [
            scatterRows(data, known, reshape(value, [1, -1])),
            assign(last, value),
            ...states.map((state, i) => assign(state, next[i] as Tensor)),
            assign(logProb, add(logProb, told.logProb(value))),
            assign(known, addUint(known, 1)),
          ],
          times: steps,
        },
      ],
      rounds: 1,
      result: {
        x: reshape(transpose(reshape(data, [steps, rows, channels]), [1, 0, 2]), [rows, -1]),
        logProb,
      },
      state: [data, last, ...states, logProb, known],
    };
  }
}
