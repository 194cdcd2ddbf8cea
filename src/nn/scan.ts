// A cell of one's own, asked for one step of a series after the other: the graph has one step, forward and backward,
// whose plan is replayed, however long the series is. Going back, states are made again from checkpoints √T steps
// apart (Griewank 1992; Chen et al. 2016, "Training deep nets with sublinear memory cost").
import { LatentGpuError } from '../errors.ts';
import type { Leg } from '../graph/loop.ts';
import { substituted } from '../graph/substitute.ts';
import { renewed, type Tensor } from '../graph/tensor.ts';
import { topological } from '../graph/traverse.ts';
import { type Variable, variable } from '../graph/variable.ts';
import {
  add,
  addUint,
  assign,
  divUint,
  equalUint,
  full,
  gather,
  modUint,
  mulUint,
  reshape,
  scatterRows,
  seed,
  step,
  vectorJacobian,
  where,
  zeros,
} from '../ops/index.ts';

export interface ScanOptions {
  /**
   * A function of graphs. Several states are one side by side. What it draws is another draw in each step, and the
   * same where a step is made again.
   */
  readonly cell: (x: Tensor, state: Tensor) => { readonly state: Tensor; readonly output: Tensor };
  /** [T, B, I], time first. */
  readonly inputs: Variable;
  /** The state before the first step, [B, S]. */
  readonly start: Variable;
  /** What the cell has parameters of, with respect to which it is differentiated. */
  readonly parameters?: readonly Variable[];
}

const at1 = (name: string) => variable(name, [1], { dtype: 'u32' });

/**
 * A scan: `forward` fills `outputs`; with what a loss says of them in `outputsGradient`, `backward` then fills the
 * gradients. Legs are run one after the other, by `LegPlans`.
 *
 * ```ts
 * const [own, past] = [new nn.Linear(3, 16), new nn.Linear(16, 16)];
 * const scan = new nn.Scan({
 *   inputs: input('x', [1000, 8, 3]),
 *   start: input('start', [8, 16]),
 *   cell: (x, before) => {
 *     const state = ops.tanh(ops.add(own.call(x), past.call(before)));
 *     return { state, output: state };
 *   },
 *   parameters: [...own.parameters(), ...past.parameters()],
 * });
 * const forward = await LegPlans.of(runtime, scan.forward);
 * await forward.run();
 * ```
 */
export class Scan {
  /** [T, B · O]. */
  readonly outputs: Variable;
  /** To be written before `backward`: the loss's gradient with respect to the outputs, [T, B · O]. */
  readonly outputsGradient: Variable;
  /** With respect to the inputs, [T, B · I]; after `backward`. */
  readonly inputsGradient: Variable;
  /** With respect to the start, [B, S]; after `backward`. The state's on the way. */
  readonly startGradient: Variable;
  /** With respect to the parameters, each of its shape; after `backward`. */
  readonly gradients: readonly Variable[];
  /** Steps from one checkpoint to the next, K = ⌈√T⌉. */
  readonly stride: number;
  private readonly options: ScanOptions;
  private readonly steps: number;
  private readonly step: ReturnType<Scan['described']>;
  private readonly state: Variable;
  /** The step whose turn it is, and the part that is gone back through. */
  private readonly at = at1('at');
  private readonly part = at1('part');
  /** States before every K-th step, and a row for those that are not kept, [⌈T / K⌉ + 1, B · S]. */
  private readonly checkpoints: Variable;
  /** States before the steps of a part, [K, B · S]. */
  private readonly between: Variable;

  /** @throws LatentGpuError `shape-mismatch` for what does not fit, `bad-input` for a cell that scans, or reads noise from outside */
  constructor(options: ScanOptions) {
    const { inputs, start, parameters = [] } = options;
    if (inputs.rank !== 3 || start.rank !== 2 || inputs.shape[1] !== start.shape[0]) {
      throw new LatentGpuError(
        'shape-mismatch',
        `scan: needs inputs [T, B, I] and a start [B, S], not ${inputs} and ${start}`,
      );
    }
    const [steps, rows] = inputs.shape as [number, number, number];
    this.options = options;
    this.steps = steps;
    this.stride = Math.ceil(Math.sqrt(steps));
    this.state = variable('state', start.shape);
    this.step = this.described();
    const { made, output } = this.stepAt(this.at, this.state);
    if (made.shape.join() !== start.shape.join() || output.rank !== 2 || output.shape[0] !== rows) {
      throw new LatentGpuError(
        'shape-mismatch',
        `scan: the cell makes a state ${made} and an output ${output}; they must be of [${start.shape.join(', ')}] and [${rows}, O]`,
      );
    }
    const kinds = new Set(topological([made, output]).map(({ op }) => op.kind));
    if (kinds.has('loop')) {
      throw new LatentGpuError(
        'bad-input',
        'scan: the cell scans something itself, and loops do not lie within loops; write the inner one out step by step',
      );
    }
    this.outputs = variable('outputs', [steps, output.size]);
    this.outputsGradient = variable('outputsGradient', [steps, output.size]);
    this.inputsGradient = variable('inputsGradient', [steps, inputs.size / steps]);
    this.startGradient = variable('startGradient', start.shape);
    this.gradients = parameters.map((p) => variable(`${p.name}.gradient`, p.shape));
    this.checkpoints = variable('checkpoints', [this.parts + 1, start.size]);
    this.between = variable('between', [this.stride, start.size]);
  }

  private get parts(): number {
    return Math.ceil(this.steps / this.stride);
  }

  /** All memory that is the scan's own. */
  get memory(): Variable[] {
    const { outputs, outputsGradient, inputsGradient, startGradient, gradients } = this;
    const { state, at, part, checkpoints, between } = this;
    return [
      ...[outputs, outputsGradient, inputsGradient, startGradient, ...gradients],
      ...[state, at, part, checkpoints, between],
    ];
  }

  /** The cell's graph of one step, and what it draws. */
  private described() {
    const { inputs, cell } = this.options;
    const x = variable('x', inputs.shape.slice(1));
    const before = variable('before', this.state.shape);
    const { state: made, output } = cell(x, before);
    const noise = topological([made, output]).filter(({ op }) => op.kind === 'noise');
    if (noise.some(({ id }) => id < x.id)) throw readsNoise();
    return { x, before, made, output, noise };
  }

  private stepAt(at: Tensor, state: Tensor) {
    const { inputs } = this.options;
    const { step: own, steps } = this;
    const rows = inputs.shape[1] as number;
    const x = reshape(gather(reshape(inputs, [steps, -1]), at), [rows, -1]);
    // A number that no other step of any turn has.
    const moment = addUint(mulUint(step, steps), reshape(at, []));
    const given = new Map<Tensor, Tensor>([
      [own.x, x],
      [own.before, state],
      ...own.noise.map((each) => [each, renewed(each, [seed, moment])] as const),
    ]);
    const [made, output] = substituted([own.made, own.output], given) as [Tensor, Tensor];
    return { x, made, output };
  }

  get forward(): readonly Leg[] {
    const { at, state, outputs, checkpoints, stride, parts, steps } = this;
    const { made, output } = this.stepAt(at, state);
    const isKept = equalUint(modUint(at, stride), 0);
    const place = where(isKept, divUint(at, stride), parts);
    return [
      { effects: [assign(state, this.options.start), assign(at, full([1], 0, 'u32'))], times: 1 },
      {
        effects: [
          scatterRows(outputs, at, reshape(output, [1, -1])),
          scatterRows(checkpoints, place, reshape(state, [1, -1])),
          assign(state, made),
          assign(at, addUint(at, 1)),
        ],
        times: steps,
      },
    ];
  }

  get backward(): readonly Leg[] {
    const { parts, stride, steps, part, startGradient, gradients } = this;
    const begin = [
      assign(part, full([1], parts, 'u32')),
      ...[startGradient, ...gradients].map((held) => assign(held, zeros(held.shape))),
    ];
    const [restore, again, back] = [this.restored(), this.madeAgain(), this.wentBack()];
    return [
      { effects: begin, times: 1 },
      ...Array.from({ length: parts }, (_, i) => {
        const length = i === 0 ? steps - (parts - 1) * stride : stride;
        return [
          { effects: restore, times: 1 },
          { effects: again, times: length },
          { effects: back, times: length },
        ];
      }).flat(),
    ];
  }

  /** To the beginning of the part before. */
  private restored(): Tensor[] {
    const { part, at, state, checkpoints, stride } = this;
    const now = before(part);
    return [
      assign(part, now),
      assign(at, mulUint(now, stride)),
      assign(state, reshape(gather(checkpoints, now), state.shape)),
    ];
  }

  private madeAgain(): Tensor[] {
    const { at, state, between, stride } = this;
    const { made } = this.stepAt(at, state);
    return [
      scatterRows(between, modUint(at, stride), reshape(state, [1, -1])),
      assign(state, made),
      assign(at, addUint(at, 1)),
    ];
  }

  private wentBack(): Tensor[] {
    const { at, state, between, stride, outputsGradient, inputsGradient } = this;
    const { startGradient, gradients } = this;
    const { parameters = [] } = this.options;
    const now = before(at);
    const old = reshape(gather(between, modUint(now, stride)), state.shape);
    const { x, made, output } = this.stepAt(now, old);
    const told = reshape(gather(outputsGradient, now), output.shape);
    const wrt = [x, old, ...parameters];
    const found = vectorJacobian([made, output], [startGradient, told], wrt);
    const [ofX, ofState, ...ofParameters] = found as [Tensor, Tensor, ...Tensor[]];
    return [
      scatterRows(inputsGradient, now, reshape(ofX, [1, -1])),
      assign(startGradient, ofState),
      ...gradients.map((held, i) => assign(held, add(held, ofParameters[i] as Tensor))),
      assign(at, now),
    ];
  }
}

const readsNoise = () =>
  new LatentGpuError(
    'bad-input',
    'scan: the cell reads noise that is drawn outside; draw it in the cell, or give it as an input',
  );

/** A number of a step less one. */
const before = (at: Tensor) => addUint(at, 2 ** 32 - 1);
