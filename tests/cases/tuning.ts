/** The tuner at work: every candidate computes the same, and what is chosen stays with a run. */
import type { Device } from '../../src/device/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import type { TunedTable } from '../../src/kernels/tuned.ts';
import * as o from '../../src/ops/index.ts';
import {
  type KernelChoice,
  partsOf,
  Runtime,
  type Schedule,
  schedule,
  tuningTasks,
} from '../../src/scheduler/index.ts';
import {
  describeStep,
  readCheckpoint,
  Trainer,
  writeCheckpoint,
} from '../../src/training/index.ts';
import { type Found, newTuner, type TuningMemory } from '../../src/tuning/index.ts';
import { DeviceLaboratory } from '../../src/tuning/laboratory.ts';
import { aloneCases, type CaseContext } from '../rig/cases.ts';
import { adapterNames, adapters, check, compare, reals, type Values } from '../support/engine.ts';
import { centring, sameBits, withTrainer } from '../support/trainers.ts';

/** Kernels of every kind that has variants, of odd extents. */
function subjects(): { outputs: Record<string, Tensor>; values: Values } {
  const made: Variable[] = [];
  const real = (name: string, shape: number[]) => {
    const x = variable(name, shape);
    made.push(x);
    return x;
  };
  const [x, w, tall, wide] = [
    real('x', [37, 29]),
    real('w', [29, 43]),
    real('tall', [2311, 3]),
    real('wide', [5, 1031]),
  ];
  const outputs = {
    product: o.relu(o.matmul(x, w)),
    map: o.tanh(o.mul(real('long', [3, 1237]), 0.5)),
    tiny: o.add(real('tiny', [3]), 1),
    along: o.sum(o.mul(wide, wide), 1),
    passes: o.sub(wide, o.logSumExp(wide, 1, { keepDims: true })),
    across: o.max(x, 0),
    parts: o.sum(tall),
  };
  return { outputs, values: new Map(made.map((v) => [v, reals(v.name, v.size)] as const)) };
}

/** What a tuner remembers, for all to see. */
function memory(found: Found = {}): TuningMemory & { found: Found } {
  return {
    found,
    async load() {
      return this.found;
    },
    async add(more) {
      this.found = { ...this.found, ...more };
    },
    async forget() {
      this.found = {};
    },
  };
}

/** What each kernel could be, of those that share a dispatch, too. */
const choicesOf = ({ kernels }: Pick<Schedule, 'kernels'>): KernelChoice[] =>
  kernels.flatMap(partsOf).flatMap(({ choice }) => choice ?? []);

/** Another variant than the default for every kernel of a training step. */
function otherTable(t: CaseContext): TunedTable {
  const runtime = new Runtime(t.device, { tune: 'off' });
  const { effects } = describeStep(centring());
  return Object.fromEntries(
    choicesOf(schedule({ effects }, runtime.adapter)).flatMap(({ key, variants }) =>
      variants[1] === undefined ? [] : [[key, variants[1]] as const],
    ),
  );
}

const remembering = (found: Found) => ({ mode: 'remembered', memory: memory(found) }) as const;

aloneCases('tuning', (c) => {
  for (const name of adapterNames) {
    c(
      `every candidate computes what the reference does, ${name}`,
      async (t) => {
        const adapter = {
          ...adapters[name],
          ...(name === 'software' && { subgroupSize: t.device.subgroupSize }),
        };
        const { outputs, values } = subjects();
        const plan = schedule({ outputs }, new Runtime(t.device, { adapter }).adapter);
        const choices = choicesOf(plan);
        for (const kind of ['product', 'map', 'rows along', 'rows across']) {
          t.ok(
            choices.some(({ key }) => key.startsWith(kind)),
            `there is no ${kind} among ${choices.map(({ key }) => key).join('; ')}`,
          );
        }
        const most = Math.max(...choices.map(({ variants }) => variants.length));
        // All rounds at once: most of each is compiling, which keeps one core busy.
        await Promise.all(
          Array.from({ length: most }, async (_, i) => {
            const tuned = Object.fromEntries(
              choices.map(({ key, variants }) => [key, variants[i % variants.length] as string]),
            );
            const { kernels } = await check(t, { outputs }, values, {
              adapter: { ...adapter, tuned },
            });
            for (const { key, variant } of choicesOf({ kernels })) {
              t.equal(variant, tuned[key], key);
            }
          }),
        );
      },
      { timeout: 180_000 },
    );
  }

  c(
    'measures a program in memory of its own, remembers, and does not measure again',
    async (t) => {
      const device = await t.open();
      const held = variable('held', [40, 24], { init: () => reals('held', 40 * 24) });
      const w = variable('w', [24, 32], { init: () => reals('w', 24 * 32) });
      const kept = memory();
      const compile = async (budgetMs: number) => {
        const tuner = newTuner(device, { mode: 'on', memory: kept, budgetMs });
        const runtime = new Runtime(device, { tune: tuner });
        const before = { ...device.counters };
        const program = {
          outputs: { y: o.matmul(held, w), s: o.sum(held, 1) },
          effects: [o.assign(held, o.mul(held, 2))],
        };
        const plan = await runtime.compile(program);
        const dispatched = device.counters.dispatches - before.dispatches;
        return { tuner, runtime, plan, program, dispatched };
      };
      const first = await compile(60_000);
      const open = tuningTasks(schedule(first.program, first.runtime.adapter)).filter(
        ({ variants }) => variants.length > 1,
      );
      t.ok(open.length > 0, 'there is nothing to choose');
      t.equal(Object.keys(kept.found).sort(), open.map(({ key }) => key).sort(), 'remembered');
      t.equal(first.tuner.left, [], 'classes left');
      for (const { key, variant } of choicesOf(first.plan.schedule)) {
        t.equal(kept.found[key] ?? variant, variant, 'the winner is what is compiled');
      }
      t.ok(first.dispatched > 100, `${first.dispatched} dispatches measured`);
      t.equal(
        await first.runtime.read(held),
        reals('held', 960),
        'the variable before the first run',
      );
      await first.plan.run();
      const values = new Map([held, w].map((v) => [v, reals(v.name, v.size)] as const));
      await compare(first.runtime, first.plan, first.program, values);
      const { liveBuffers, liveBytes } = device.counters;
      const second = await compile(60_000);
      t.equal([second.dispatched, second.tuner.measured.length], [0, 0], 'measured again');
      const chosen = ({ plan }: typeof first) => plan.schedule.kernels.map((k) => k.code);
      t.equal(chosen(second), chosen(first));
      second.runtime.destroy();
      t.equal([device.counters.liveBuffers, device.counters.liveBytes], [liveBuffers, liveBytes]);
      first.runtime.destroy();
    },
    { timeout: 120_000 },
  );

  c('a variant that computes something else is not chosen, however fast', async (t) => {
    const device = await t.open();
    const laboratory = new DeviceLaboratory(device);
    const size = 4 * 4096;
    const make = (variant: string) => ({
      label: variant,
      // The right ones take their time.
      code: `
@group(0) @binding(0) var<storage, read> x: array<f32, 4096>;
@group(0) @binding(1) var<storage, read_write> y: array<f32, 4096>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  var total = 0.0;
  for (var i = 0u; i < ${variant === 'right' ? 200 : 199}u; i++) { total += x[(id.x + i) % 4096u]; }
  y[id.x] = ${variant === 'wrong' ? 'x[id.x]' : `total${variant === 'right' ? '' : ' + x[(id.x + 199u) % 4096u]'}`};
}`,
      bindings: (['read', 'write'] as const).map((kind, memory) => ({
        ...{ kind, memory, offset: 0, size, memoryBytes: size, type: 'f32' as const },
      })),
      dispatch: [64, 1, 1] as const,
    });
    const now = () => performance.now();
    const task = { key: 'sums', label: 'sums', cost: 1, make };
    const of = (...variants: string[]) =>
      laboratory.measure({ ...task, variants }, now() + 60_000, now);
    const [alone, honest, foreign] = [
      await of('right'),
      await of('right', 'too'),
      await of('wrong', 'right'),
    ];
    t.equal([alone?.winner, foreign?.winner], ['right', 'wrong'], 'the first is what is expected');
    t.ok(honest !== undefined, 'rounding is no mistake');
    t.equal((await of('right', 'wrong'))?.winner, 'right');
    laboratory.destroy();
  });

  c('two who compile at once get the kernels that one of them has measured', async (t) => {
    const device = await t.open();
    const tuner = newTuner(device, { mode: 'on', memory: memory() });
    const x = variable('x', [64, 64], { init: () => reals('x', 64 * 64) });
    const runtimes = [1, 2].map(() => new Runtime(device, { tune: tuner }));
    const plans = await Promise.all(
      runtimes.map((runtime) => runtime.compile({ outputs: { y: o.mul(x, 2) } })),
    );
    const [one, two] = plans.map(({ schedule }) => schedule.kernels.map(({ code }) => code));
    t.equal(one, two);
    t.equal(new Set(tuner.measured.map(({ key }) => key)).size, tuner.measured.length);
    for (const runtime of runtimes) runtime.destroy();
  });

  c('what went wrong before is told, and not hidden by measuring', async (t) => {
    const device = await t.open();
    const x = variable('x', [64, 64]);
    const runtime = new Runtime(device, { tune: { mode: 'on', memory: memory() } });
    device.gpu.createBuffer({ size: 16, usage: 0 });
    await t.throws('validation', () => runtime.compile({ outputs: { y: o.mul(x, 2) } }));
    runtime.destroy();
  });

  c('off measures nothing and asks nobody', async (t) => {
    const fail = () => Promise.reject(new Error('asked'));
    const asked = { load: fail, add: fail, forget: fail };
    const runtime = new Runtime(t.device, { tune: { mode: 'off', memory: asked } });
    const { dispatches } = t.device.counters;
    const { outputs } = subjects();
    const plan = await runtime.compile({ outputs });
    t.equal(t.device.counters.dispatches, dispatches);
    t.equal(plan.schedule.adapter.tuned, undefined);
    runtime.destroy();
  });

  c('kernels that are the same are compiled once, however many ask at once', async (t) => {
    const device = await t.open();
    const runtimes = [1, 2, 3].map((seed) => new Runtime(device, { seed }));
    const { outputs } = subjects();
    const plans = await Promise.all(runtimes.map((runtime) => runtime.compile({ outputs })));
    const texts = new Set(plans.flatMap(({ schedule }) => schedule.kernels.map((k) => k.code)));
    t.equal(device.counters.pipelinesCreated, texts.size);
    for (const runtime of runtimes) runtime.destroy();
  });

  c('a run goes on with the kernels it began with, bit for bit', async (t) => {
    const table = otherTable(t);
    t.ok(Object.keys(table).length > 1, `${Object.keys(table).length} classes with a choice`);
    const tune = remembering(table);
    const state = await withTrainer(t, centring({ tune }), async (trainer) => {
      const variants = choicesOf(trainer.plan.schedule).flatMap(({ key, variant }) =>
        table[key] !== undefined ? [variant === table[key]] : [],
      );
      t.ok(variants.length > 1 && variants.every(Boolean), 'the table was followed');
      await trainer.run(9);
      const { state } = readCheckpoint(
        writeCheckpoint({ state: await trainer.state(), best: undefined }),
      );
      t.equal(state.tuned, table, 'the table in the checkpoint');
      await trainer.run(13);
      const whole = await trainer.state();
      // Whatever is remembered or asked for meanwhile.
      for (const later of [undefined, 'off', remembering({}), { mode: 'on' as const }] as const) {
        const options = centring(later === undefined ? {} : { tune: later });
        const resume = async (other: typeof trainer) => {
          await other.run(13);
          const reached = await other.state();
          sameBits(t, reached, whole, 'continued');
          t.equal(reached.tuned, table, 'its table');
        };
        await withTrainer(t, options, resume, state);
      }
      return state;
    });
    // A run without measurements stays without, and takes no state of another's kernels.
    await withTrainer(t, centring(), async (trainer) => {
      const plain = await trainer.state();
      t.equal(plain.tuned, undefined);
      await t.throws('bad-format', () => trainer.restore(state), /kernels were tuned otherwise/);
      sameBits(t, await trainer.state(), plain, 'after the refusal');
      await withTrainer(
        t,
        centring({ tune }),
        async (other) => t.equal((await other.state()).tuned, undefined),
        plain,
      );
    });
  });

  c('a device that replaces a lost one gets the same kernels', async (t) => {
    const table = otherTable(t);
    const kept = memory(table);
    const options = centring({ tune: { mode: 'remembered', memory: kept } });
    const whole = await withTrainer(t, options, async (trainer) => {
      await trainer.run(12);
      return await trainer.state();
    });
    const opened: Device[] = [];
    const trainer = await Trainer.create(options, async () => {
      const device = await t.open();
      opened.push(device);
      return device;
    });
    await trainer.run(5);
    await kept.forget();
    opened[0]?.lose();
    await trainer.run(7);
    const reached = await trainer.state();
    t.equal(opened.length, 2, 'devices');
    sameBits(t, reached, whole, 'on the second device');
    t.equal(reached.tuned, table);
  });

  c('evaluations of a run round as the run does, whatever is learnt meanwhile', async (t) => {
    const kept = memory();
    const tune = { mode: 'remembered', memory: kept } as const;
    await withTrainer(t, centring({ tune }), async (trainer) => {
      const { outputs } = subjects();
      const wanted = schedule({ outputs }, trainer.runtime.adapter);
      for (const { key, variants } of choicesOf(wanted)) {
        if (variants[1] !== undefined) await kept.add({ [key]: variants[1] });
      }
      const plan = await trainer.runtime.compile({ outputs });
      const codes = (kernels: typeof wanted.kernels) => kernels.map(({ code }) => code);
      t.equal(codes(plan.schedule.kernels), codes(wanted.kernels));
      plan.destroy();
    });
  });
});
