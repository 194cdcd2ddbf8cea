/** What is opened is closed: the engine counts every buffer, and none is left. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { variable } from '../../src/graph/variable.ts';
import { evaluateModel, Inference, type Vae } from '../../src/models/index.ts';
import { scan } from '../../src/nn/index.ts';
import { add, assign, gradient, matmul, mul, sum, zeros } from '../../src/ops/index.ts';
import { adam } from '../../src/optim/index.ts';
import { LegPlans, Runtime } from '../../src/scheduler/index.ts';
import { learningOf, Trainer, type TrainerOptions } from '../../src/training/index.ts';
import { cases } from '../rig/cases.ts';
import { vaeOf } from '../support/toys.ts';
import { centring, data, FEATURES } from '../support/trainers.ts';

const tiny = (hidden: number[] = []): Vae =>
  vaeOf({ shape: [FEATURES], encoder: { hidden, activation: 'relu' }, latent: 2 });

const rows = (start: number, end: number) =>
  data.data.slice(start * FEATURES, end * FEATURES) as Float32Array;

cases('leaks', (c) => {
  c(
    '10,000 steps make nothing and write nothing',
    async (t) => {
      const device = await t.open();
      const { counters } = device;
      const trainer = await Trainer.create(centring(), () => Promise.resolve(device));
      await trainer.run(10);
      const { liveBuffers, liveBytes, buffersCreated, bindGroupsCreated, hostWrites } = counters;
      const { pipelinesKept } = counters;
      await trainer.run(10_000);
      t.equal(
        [counters.liveBuffers, counters.liveBytes, counters.buffersCreated],
        [liveBuffers, liveBytes, buffersCreated],
        'buffers',
      );
      t.equal(counters.bindGroupsCreated, bindGroupsCreated, 'bind groups');
      t.equal(counters.hostWrites, hostWrites, 'writes by the host');
      t.equal(counters.pipelinesKept, pipelinesKept, 'pipelines');
      trainer.runtime.destroy();
      device.trim();
      t.equal([counters.liveBuffers, counters.liveBytes], [0, 0], 'left');
    },
    { timeout: 120_000 },
  );

  c(
    'evaluations beside a training run leave nothing',
    async (t) => {
      const device = await t.open();
      const { counters } = device;
      const model = tiny();
      const options: TrainerOptions = {
        model,
        data,
        batch: 8,
        ...learningOf(model),
        optimizer: adam(),
        binarize: 'resampled',
      };
      const trainer = await Trainer.create(options, () => Promise.resolve(device));
      const evaluate = () =>
        trainer.withParameters(
          trainer.lastState?.tensors.get('parameters') as Float32Array,
          (runtime) => evaluateModel(runtime, model, data, rows, { samples: 2, limit: 4 }),
        );
      const first = await evaluate();
      const { liveBuffers, liveBytes, pipelinesCreated } = counters;
      // Counts are exact: what one of them left would show.
      for (let i = 1; i < 20; i++) t.equal(await evaluate(), first, `evaluation ${i}`);
      t.equal([counters.liveBuffers, counters.liveBytes], [liveBuffers, liveBytes], 'buffers');
      t.equal(counters.pipelinesCreated, pipelinesCreated, 'pipelines are made once');
      trainer.runtime.destroy();
      device.trim();
      t.equal([counters.liveBuffers, counters.liveBytes], [0, 0], 'left');
    },
    { timeout: 120_000 },
  );

  c('models opened and closed leave nothing', async (t) => {
    const device = await t.open();
    const { counters } = device;
    for (let i = 0; i < 12; i++) {
      // Four architectures, whose kernels the device knows from the second time on.
      const model = tiny([[], [3], [4], [5]][i % 4]);
      const runtime = new Runtime(device, { seed: i });
      const inference = new Inference(runtime, model);
      const codes = await inference.encode(rows(0, 3), 3);
      const decoded = await inference.decode(codes.mean, 3);
      t.equal([decoded.length, (await inference.sample(2)).length], [3 * FEATURES, 2 * FEATURES]);
      if (i % 2 === 0) await inference.destroy();
      runtime.destroy();
      device.trim();
      t.equal([counters.liveBuffers, counters.liveBytes], [0, 0], `after ${i + 1}`);
      if (i === 3) t.ok(counters.pipelinesKept > 4, `${counters.pipelinesKept} pipelines`);
    }
    t.equal(counters.pipelinesKept, counters.pipelinesCreated, 'each pipeline is made once');
  });

  c('legs of which one cannot be compiled leave nothing', async (t) => {
    const device = await t.open();
    const runtime = new Runtime(device);
    const x = variable('x', [70]);
    const scaled = mul(x, 2);
    const fine = { effects: [assign(x, add(scaled, sum(scaled)))], times: 2 };
    const wrong = { effects: [assign(x, mul(x, Number.POSITIVE_INFINITY))], times: 1 };
    await t.throws('not-finite', () => LegPlans.of(runtime, [fine, wrong]), /finite/);
    t.equal(device.counters.liveBuffers, 0);
  });

  c('a plan takes the memory of its loops with it', async (t) => {
    const device = await t.open();
    const runtime = new Runtime(device);
    const [series, weight] = [variable('series', [5, 3, 2]), variable('weight', [2, 4])];
    const live: number[] = [];
    for (let i = 0; i < 2; i++) {
      const sums = scan(mul(series, 2), zeros([3, 4]), (now, before) => {
        const next = add(matmul(now, weight), before);
        return { state: next, output: next };
      });
      const [slope] = gradient(sum(sums), [weight]);
      const plan = await runtime.compile({ outputs: { slope: slope as Tensor } });
      runtime.write(series, new Float32Array(30).fill(1));
      await plan.run();
      // Σ over steps and rows of how often each step's input is summed up.
      t.equal([...(await plan.read('slope'))], new Array(8).fill(2 * 3 * (5 + 4 + 3 + 2 + 1)));
      plan.destroy();
      live.push(device.counters.liveBuffers);
    }
    t.equal(live[1], live[0]);
    runtime.destroy();
    device.trim();
    t.equal(device.counters.liveBuffers, 0);
  });

  c('the cache of pipelines has a bound', async (t) => {
    const device = await t.open();
    const { counters } = device;
    const code = (i: number) => `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(1) fn main() { x[0] = ${i}.0; }`;
    const make = (i: number) => device.createPipeline(`n${i}`, code(i), ['write']);
    const first = await make(0);
    // Asked for at once: one after the other, each would wait in turn for what others have compiled meanwhile.
    await Promise.all(Array.from({ length: 599 }, (_, i) => make(i + 1)));
    t.equal([counters.pipelinesCreated, counters.pipelinesKept], [600, 512]);
    // What was asked for lately is there, what was not is made again, and works in any case.
    await make(599);
    t.equal(counters.pipelinesCreated, 600);
    t.ok((await make(0)) !== first, 'the oldest was kept');
    const buffer = device.createBuffer('x', 16, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
    const group = device.createBindGroup('n0', first, [buffer]);
    const encoder = device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(first);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(1);
    pass.end();
    device.submit([encoder.finish()]);
    t.equal(new Float32Array(await device.read(buffer, 0, 4)), Float32Array.of(0));
  });
});
