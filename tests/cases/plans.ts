/** Plans: their outputs, their memory, and that running them makes nothing new. */
import { Gamma, Laplace } from '../../src/distributions/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, packParameters, type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import { Runtime } from '../../src/scheduler/run/runtime.ts';
import { aloneCases } from '../rig/cases.ts';
import { check, compare, integers, reals, withRuntime } from '../support/engine.ts';
import { trainingStep } from '../support/training-step.ts';

aloneCases('plans', (c) => {
  c('requests at the same time each get their own answer', async (t) => {
    await withRuntime(t, async (runtime) => {
      const [x, gain] = [input('x', [2]), input('gain', [])];
      const one = await runtime.compile({ outputs: { y: o.mul(gain, o.square(x)) } });
      const other = await runtime.compile({ outputs: { y: o.add(x, 1), total: o.sum(x) } });
      const rows = Array.from({ length: 12 }, (_, i) => [i, -i - 1]);
      const answers = await Promise.all(
        rows.flatMap((row, i) => [one.compute({ x: row, gain: [i] }), other.compute({ x: row })]),
      );
      const wanted = rows.flatMap(([a = 0, b = 0], i) => [
        { y: [i * a * a, i * b * b] },
        { y: [a + 1, b + 1], total: [a + b] },
      ]);
      const found = answers.map((answer) =>
        Object.fromEntries(Object.entries(answer).map(([name, of]) => [name, [...of]])),
      );
      t.equal(found, wanted);
      await t.throws('bad-input', () => one.compute({ x: [1, 2] }), /input 'gain' is not given/);
      const wrong = { x: [1, 2], gain: [1], y: [1] };
      await t.throws('bad-input', () => one.compute(wrong), /computes of .*: it has no input 'y'/);
      await t.throws('shape-mismatch', () => other.compute({ x: [1] }), /holds 2 values; 1/);
      t.equal([...((await other.compute({ x: [3, 4] })).total ?? [])], [7], 'goes on');
    });
  });

  c('ten thousand steps make nothing that ten did not', async (t) => {
    const device = await t.open();
    const runtime = new Runtime(device, { seed: 3 });
    const x = variable('x', [2, 3], { init: () => [1, 2, 3, 4, 5, 6] });
    const history = variable('history', [16]);
    const loss = o.mean(o.square(x));
    const effects = [
      o.assign(x, o.sub(x, o.mul(0.25, o.gradient(loss, [x])[0] as Tensor))),
      o.store(history, o.step, loss),
      o.assign(o.step, o.addUint(o.step, 1)),
    ];
    const plan = await runtime.compile({ outputs: { loss }, effects });
    await plan.run(10);
    await plan.read('loss');
    const { liveBuffers, liveBytes, buffersCreated, bindGroupsCreated, pipelinesCreated } =
      device.counters;
    await plan.run(9990);
    await plan.read('loss');
    const { counters } = device;
    t.equal(
      [
        counters.liveBuffers,
        counters.liveBytes,
        counters.buffersCreated,
        counters.bindGroupsCreated,
        counters.pipelinesCreated,
      ],
      [liveBuffers, liveBytes, buffersCreated, bindGroupsCreated, pipelinesCreated],
      'buffers, bytes, buffers created, bind groups, pipelines',
    );
    t.equal(counters.dispatches, 10_000 * plan.schedule.kernels.length, 'dispatches');
    t.equal([...(await runtime.read(o.step))], [10_000], 'the step counter');
    runtime.destroy();
    // What is left is the device's own: buffers to read through.
    t.ok(device.counters.liveBuffers <= 1, `${device.counters.liveBuffers} buffers are left`);
  });

  c('submissions hold more steps where news of them are slow', async (t) => {
    /**
     * Submissions of 200 steps, heard of ten times a second as in Firefox, whether plans measure that or not. The
     * clock is the case's own: it goes on only where news are waited for, however busy the machine is.
     */
    const submissionsOf = async (isKnown: boolean) => {
      const device = await t.open();
      const { queue } = device.gpu;
      const done = queue.onSubmittedWorkDone.bind(queue);
      let clock = 0;
      device.now = () => clock;
      if (!isKnown) device.roundTrip = () => Promise.resolve(0);
      queue.onSubmittedWorkDone = async () => {
        // Whoever begins to wait at one time hears at the same next look.
        const nextLook = (Math.floor(clock / 100) + 1) * 100;
        await done();
        clock = Math.max(clock, nextLook);
        return undefined;
      };
      const runtime = new Runtime(device);
      const x = variable('x', [3]);
      const plan = await runtime.compile({ effects: [o.assign(x, o.add(x, 1))] });
      const before = device.counters.submissions;
      await plan.run(200);
      const submissions = device.counters.submissions - before;
      t.equal([...(await runtime.read(x))], [200, 200, 200], 'the sums');
      runtime.destroy();
      return submissions;
    };
    const [known, unknown] = [await submissionsOf(true), await submissionsOf(false)];
    t.ok(known < unknown, `200 steps are ${known} submissions, ${unknown} where it is not known`);
  });

  c('what is no number, or none of a type, is refused where it is written', async (t) => {
    await withRuntime(t, async (runtime) => {
      const x = input('x', [2, 2]);
      const plan = await runtime.compile({ outputs: { y: o.add(x, 1) } });
      const rows = [
        [1, 2],
        [3, 4],
      ];
      for (const [values, why] of [
        [rows, /x .*element 0 is a list, no number; .*rows\.flat\(\)/],
        [[1, 2, undefined, 4], /element 2 is undefined, no number/],
        [['1', '2', '3', '4'], /element 0 is '1', no number/],
        [undefined, /undefined is no list of numbers/],
        [3, /3 is no list of numbers/],
        [new BigInt64Array(4), /bigints/],
      ] as unknown as [number[], RegExp][]) {
        await t.throws('bad-input', () => plan.compute({ x: values }), why);
      }
      const bytes = variable('bytes', [2, 3], { dtype: 'u8', role: 'data' });
      for (const wrong of [256, 0.5, -1, Number.NaN]) {
        const write = () => runtime.write(bytes, [0, 1, 2, 3, wrong, 255]);
        await t.throws('bad-input', write, /bytes .*holds bytes, and element 4 is/);
      }
      const { y } = await plan.compute({ x: new Float64Array([9, 1, 2, 3, 4]).subarray(1) });
      t.equal([...(y ?? [])], [2, 3, 4, 5]);
    });
    await t.throws('shape-mismatch', () => o.topK(o.constant(1), 1), /which has no axes/);
    await t.throws('shape-mismatch', () => o.full([-1], 2), /not a positive integer/);
    await t.throws('shape-mismatch', () => o.randomNormal(5 as never), /5 is no shape/);
    const gamma = new Gamma(o.full([1], 1), o.full([1], 2));
    await t.throws(
      'bad-input',
      () => new Laplace(0 as never, 1 as never),
      /Laplace.*ops\.constant/,
    );
    const outside = o.evaluate([gamma.logProb(o.full([1], -1))], new Map())[0];
    t.close(outside?.data ?? [], [-1e30], { relative: 1e-6 });
  });

  c('outputs may be anything', async (t) => {
    const x = variable('x', [4, 6]);
    const table = variable('table', [3, 5], { dtype: 'u8' });
    const counts = variable('counts', [5], { dtype: 'u32' });
    const y = o.mul(x, 2);
    const outputs = {
      variable: x,
      reshaped: o.reshape(x, [3, 8]),
      transposed: o.transpose(x),
      slice: o.slice(x, 1, 1, 4),
      row: o.reshape(o.slice(x, 0, 2, 3), [6]),
      expanded: o.expand(o.slice(x, 0, 0, 1), [3, 1, 6]),
      y,
      same: y,
      equal: o.mul(x, 2),
      view: o.reshape(y, [24]),
      turned: o.transpose(y),
      part: o.slice(y, 0, 1, 3),
      stopped: o.stopGradient(y),
      constant: o.full([5], 0.25),
      number: o.constant(7),
      bytes: table,
      bytesTurned: o.transpose(table),
      counts,
      iota: o.iota(9),
      sum: o.reshape(o.sum(y), [1, 1]),
      step: o.step,
    };
    const values = new Map<Variable, ArrayLike<number>>([
      [x, integers('x', 24)],
      [table, Uint8Array.from({ length: 15 }, (_, i) => 17 * i)],
      [counts, [1, 2 ** 32 - 1, 3, 0, 2 ** 31]],
      [o.step, [41]],
    ]);
    await check(t, { outputs }, values);
  });

  c('inputs are fed between runs', async (t) => {
    const [x, w] = [input('x', [3, 5]), variable('w', [5, 2])];
    const outputs = { y: o.matmul(x, w), sum: o.sum(x) };
    await withRuntime(t, async (runtime) => {
      const plan = await runtime.compile({ outputs });
      runtime.write(w, reals('w', 10));
      for (const name of ['first', 'second']) {
        const fed = reals(name, 15);
        runtime.write(x, fed);
        await plan.run();
        const values = new Map([
          [x, fed],
          [w, reals('w', 10)],
        ]);
        await compare(runtime, plan, { outputs }, values);
      }
    });
  });

  c('what is released begins again, and plans that are in use know of it', async (t) => {
    const held = variable('held', [5], { init: () => [1, 2, 3, 4, 5] });
    const [part, other] = [
      variable('part', [3], { init: () => [6, 7, 8] }),
      variable('other', [2]),
    ];
    const flat = packParameters([part, other]);
    await withRuntime(t, async (runtime) => {
      const plan = await runtime.compile({
        outputs: { sum: o.add(o.sum(held), o.sum(part)) },
        effects: [o.assign(held, o.mul(2, held))],
      });
      await plan.run(2);
      t.equal([...(await plan.read('sum'))], [51]);
      runtime.release(held);
      await plan.run();
      t.equal([...(await plan.read('sum'))], [36], 'from the initial values');
      runtime.write(part, [1, 1, 1]);
      runtime.release(flat);
      runtime.write(held, [0, 0, 0, 0, 1]);
      await plan.run();
      t.equal([...(await plan.read('sum'))], [22], 'what was written meanwhile');
    });
  });

  c('several plans share variables', async (t) => {
    const w = variable('w', [7], { init: () => [1, 2, 3, 4, 5, 6, 7] });
    await withRuntime(t, async (runtime) => {
      const double = await runtime.compile({ effects: [o.assign(w, o.mul(2, w))] });
      const sum = await runtime.compile({ outputs: { sum: o.sum(w) } });
      await double.run(3);
      await sum.run();
      t.equal([...(await sum.read('sum'))], [28 * 8], 'sum');
      double.destroy();
      await sum.run();
      t.equal([...(await sum.read('sum'))], [28 * 8], 'after the other plan is gone');
    });
  });

  c('a training step runs, learns and repeats itself', async (t) => {
    const run = (steps: number[]) =>
      withRuntime(t, async (runtime) => {
        const { program, feeds } = trainingStep();
        const plan = await runtime.compile(program);
        for (const [v, numbers] of feeds) runtime.write(v, numbers);
        runtime.write(o.seed, [1, 2]);
        const losses: number[] = [];
        for (const n of steps) {
          await plan.run(n);
          losses.push((await plan.read('loss'))[0] as number);
        }
        const { memory } = plan.schedule;
        t.ok(memory.peakBytes <= 1.2 * memory.boundBytes, 'the memory is far above its bound');
        return losses;
      });
    const losses = await run([1, 59]);
    t.ok(
      (losses[1] as number) < 0.8 * (losses[0] as number),
      `the loss goes ${losses.join(' → ')}`,
    );
    t.equal((await run([60]))[0], losses[1], 'the loss after 60 steps, in one run or two');
  });

  c('what cannot be is refused', async (t) => {
    const x = variable('x', [2]);
    await withRuntime(t, async (runtime) => {
      await t.throws('bad-config', () => runtime.compile({}), /outputs or effects/);
      await t.throws('bad-config', () => runtime.compile({ effects: [o.add(x, 1)] }), /assign/);
      const twice = [o.assign(x, o.add(x, 1)), o.assign(x, o.add(x, 2))];
      await t.throws('bad-config', () => runtime.compile({ effects: twice }), /twice/);
      const infinite = { outputs: { y: o.mul(x, Number.POSITIVE_INFINITY) } };
      await t.throws('not-finite', () => runtime.compile(infinite), /finite/);
      const large = variable('large', [6000, 6000]);
      await t.throws(
        'limit-exceeded',
        () => runtime.compile({ outputs: { y: o.neg(large) } }),
        /large/,
      );
      await t.throws('shape-mismatch', () => runtime.write(x, [1, 2, 3]), /3 were given/);
      const table = variable('table', [2, 2], { dtype: 'u8' });
      await t.throws('bad-input', () => runtime.read(table), /bytes/);
      const short = variable('short', [3], { init: () => [1, 2] });
      const plan = await runtime.compile({ outputs: { y: o.neg(short) } });
      // Nor is it there with zeros the second time.
      for (let time = 0; time < 2; time++) {
        await t.throws('bad-config', () => plan.run(), /2 numbers, not 3/);
      }
      const [whole, part] = [variable('whole', [3]), variable('part', [3], { init: () => [1] })];
      packParameters([whole, part]);
      const packed = await runtime.compile({ outputs: { y: o.add(whole, part) } });
      for (let time = 0; time < 2; time++) {
        await t.throws('bad-config', () => packed.run(), /1 numbers, not 3/);
      }
      await t.throws('bad-input', () => plan.read('z'), /'z'.*y/);
      await t.throws('bad-input', () => plan.run(-1), /whole number/);
      await t.throws('bad-input', () => plan.run(0.5), /whole number/);
      plan.destroy();
      await t.throws('bad-input', () => plan.run(), /destroyed/);
      await t.throws('bad-input', () => plan.read('y'), /destroyed/);
    });
  });
});
