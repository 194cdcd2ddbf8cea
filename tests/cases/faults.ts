/** The device is lost at any call that the engine makes: the weights in the end do not tell. */
import { input } from '../../src/graph/variable.ts';
import type { Evaluation } from '../../src/models/index.ts';
import { mean, mul, randomNormal, square, sub } from '../../src/ops/index.ts';
import type { Runtime } from '../../src/scheduler/index.ts';
import { fit, Trainer, type TrainerOptions, type TrainerState } from '../../src/training/index.ts';
import { type CaseContext, cases } from '../rig/cases.ts';
import { CALLS, type Fragile, fragile, LOSSES, type Loss } from '../support/fragile.ts';
import { type Centre, centring, FEATURES, sameBits } from '../support/trainers.ts';

/** Two epochs of six steps, and a bit. */
const STEPS = 14;

/** What an evaluation does to a device: a plan of its own, inputs, noise, readings. */
async function evaluateOn(runtime: Runtime, model: Centre): Promise<Evaluation> {
  const x = input('x', [FEATURES]);
  const noise = mul(0, randomNormal([FEATURES]));
  const distance = mean(square(sub(sub(x, model.centre), noise)));
  const plan = await runtime.compile({ outputs: { distance } });
  try {
    runtime.write(x, new Float32Array(FEATURES));
    await plan.run();
    const [negativeElbo] = await plan.read('distance');
    const value = negativeElbo as number;
    return {
      count: 1,
      loss: 0,
      negativeElbo: value,
      standardError: 0,
      kl: null,
      nll: null,
      activeUnits: null,
      figures: [],
    };
  } finally {
    plan.destroy();
    runtime.release(x);
  }
}

interface Outcome {
  readonly state: TrainerState;
  /** Evaluations, checkpoints and reports, as text. */
  readonly log: string[];
}

/** A run with evaluations and checkpoints, on `open`'s devices. */
async function outcomeOf(
  options: TrainerOptions,
  open: Parameters<typeof Trainer.create>[1],
): Promise<Outcome> {
  const trainer = await Trainer.create(options, open);
  const log: string[] = [];
  try {
    await fit(trainer, {
      steps: STEPS,
      checkpointEvery: 5,
      evaluate: { every: 1, run: (runtime) => evaluateOn(runtime, options.model as Centre) },
      onEpoch: ({ step, metrics, evaluation }) => {
        log.push(JSON.stringify([step, metrics, evaluation?.negativeElbo]));
      },
      onCheckpoint: ({ state }) => {
        log.push(`checkpoint ${state.step}: ${state.tensors.get('parameters')}`);
      },
    });
    return { state: await trainer.state(), log };
  } finally {
    trainer.runtime.destroy();
  }
}

/**
 * Loses the first device at a call of every kind, as far into the run as `fraction` says.
 */
async function loseEverywhere(
  t: CaseContext,
  options: TrainerOptions,
  loss: Loss,
  fraction: number,
): Promise<void> {
  const whole = await outcomeOf(options, async () => t.device);
  const counted = fragile(await t.open(), Number.POSITIVE_INFINITY, loss);
  await outcomeOf(options, async () => counted.device);
  const { calls } = counted;
  let lost = 0;
  const kinds = [...new Set(calls)].sort();
  t.equal(kinds, [...CALLS].sort(), 'kinds of calls');
  for (const kind of kinds) {
    const moments = calls.flatMap((call, i) => (call === kind ? [i] : []));
    const at = moments[Math.floor(fraction * moments.length)] as number;
    let first: Fragile | undefined;
    const outcome = await outcomeOf(options, async () => {
      if (first) return t.device;
      first = fragile(await t.open(), at, loss);
      return first.device;
    });
    const what = `${loss}, lost at call ${at} of ${calls.length} (${kind})`;
    if (first?.device.isLost) lost += 1;
    sameBits(t, outcome.state, whole.state, what);
    t.equal(outcome.log, whole.log, what);
  }
  // How many submissions a run takes is a matter of time: a late moment may come too late.
  t.ok(lost >= kinds.length - 2, `only ${lost} of ${kinds.length} devices were lost`);
}

cases('faults', (c) => {
  const streamed = { residentBytes: 200 };
  for (const [i, loss] of LOSSES.entries()) {
    for (const [j, options] of [{}, streamed].entries()) {
      const name = `a device lost at any call does not show: ${loss}`;
      const fraction = (2 * i + j + 0.5) / (2 * LOSSES.length);
      c(
        options === streamed ? `${name}, with streamed data` : name,
        (t) => loseEverywhere(t, centring(options), loss, fraction),
        { timeout: 120_000 },
      );
    }
  }
});
