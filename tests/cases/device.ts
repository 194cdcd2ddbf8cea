import type { Device } from '../../src/device/index.ts';
import { isLatentGpuError } from '../../src/errors.ts';
import { aloneCases } from '../rig/cases.ts';

const double = /* wgsl */ `
@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&output)) {
    output[id.x] = 2.0 * input[id.x];
  }
}
`;

/** Makes a buffer of 1 MiB for which there is no room. */
function withoutRoom(device: Device, name: string): void {
  // Real exhaustion takes many GiB of a software adapter's memory: the answer is put in its mouth.
  const pop = device.gpu.popErrorScope;
  class GPUOutOfMemoryError extends Error {}
  device.gpu.popErrorScope = async () => {
    await pop.call(device.gpu);
    return new GPUOutOfMemoryError('no room');
  };
  device.createBuffer(name, 1 << 20, GPUBufferUsage.COPY_DST);
  device.gpu.popErrorScope = pop;
}

aloneCases('device', (c) => {
  c('names its adapter and what it can do', (t) => {
    const { adapter, gpu } = t.device;
    t.ok(adapter.name.length > 0 && adapter.source.length > 0, 'the adapter has no name');
    t.ok(typeof adapter.isSoftware === 'boolean', 'software or hardware is not known');
    t.ok((adapter.limits.maxBufferSize ?? 0) >= 268435456, 'the limits are missing');
    const offered = adapter.limits.maxStorageBuffersPerShaderStage ?? 0;
    const most = Math.min(10, offered);
    t.equal(gpu.limits.maxStorageBuffersPerShaderStage, most, 'storage buffers');
    t.equal(gpu.limits.maxStorageBufferBindingSize, 134217728, 'binding size');
    t.equal(gpu.limits.maxComputeInvocationsPerWorkgroup, 256, 'invocations');
    t.ok(JSON.stringify(adapter).includes(adapter.name), 'the report is not plain data');
  });

  c('runs a kernel', async (t) => {
    const { device } = t;
    const n = 1001;
    const x = Float32Array.from({ length: n }, (_, i) => i - 500.25);
    const input = device.createBuffer(
      'input',
      4 * n,
      GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    );
    const output = device.createBuffer(
      'output',
      4 * n,
      GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
    );
    device.write(input, 0, x);
    const pipeline = await device.createPipeline('double', double, ['read', 'write']);
    const group = device.createBindGroup('double', pipeline, [input, output]);
    const encoder = device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(Math.ceil(n / 64));
    pass.end();
    device.submit([encoder.finish()]);
    const y = new Float32Array(await device.read(output, 0, 4 * n));
    t.equal(
      y,
      x.map((value) => 2 * value),
    );
    device.destroyBuffer(input);
    device.destroyBuffer(output);
  });

  c('reads and writes any bytes, many at once', async (t) => {
    const { device } = t;
    const n = 10_007;
    const bytes = Uint8Array.from({ length: n }, (_, i) => (i * 31) % 251);
    const buffer = device.createBuffer(
      'bytes',
      n,
      GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    );
    device.write(buffer, 0, bytes);
    const parts = [
      [0, n],
      [1, 1],
      [3, 4097],
      [4, 8],
      [10_001, 6],
      [5, 0],
    ] as const;
    const results = await Promise.all(parts.map(([at, size]) => device.read(buffer, at, size)));
    for (const [i, [at, size]] of parts.entries()) {
      t.equal(new Uint8Array(results[i] as ArrayBuffer), bytes.slice(at, at + size), `at ${at}`);
    }
    device.write(buffer, 8, bytes.subarray(100, 104));
    t.equal(new Uint8Array(await device.read(buffer, 8, 4)), bytes.slice(100, 104), 'a view');
    device.destroyBuffer(buffer);
  });

  c('reads more than one chunk', async (t) => {
    const { device } = t;
    const n = 9 * 1024 * 1024 + 3;
    const data = Uint32Array.from({ length: n }, (_, i) => i ^ 0x5a5a);
    const buffer = device.createBuffer(
      'large',
      4 * n,
      GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    );
    device.write(buffer, 0, data);
    t.equal(new Uint32Array(await device.read(buffer, 0, 4 * n)), data);
    device.destroyBuffer(buffer);
  });

  c('counts buffers, bytes, bind groups and pipelines', async (t) => {
    const device = await t.open();
    const { counters } = device;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
    const a = device.createBuffer('a', 100, usage);
    const b = device.createBuffer('b', 1, usage);
    t.equal([counters.liveBuffers, counters.liveBytes], [2, 112 + 16]);
    device.destroyBuffer(a);
    device.destroyBuffer(a);
    t.equal([counters.liveBuffers, counters.liveBytes, counters.peakBytes], [1, 16, 128]);
    await device.read(b, 0, 4);
    const { buffersCreated, submissions } = counters;
    for (let i = 0; i < 20; i += 1) await device.read(b, 0, 4);
    t.equal(counters.buffersCreated, buffersCreated, 'reading again created buffers');
    t.equal(counters.submissions, submissions + 20, 'submissions');
    const first = await device.createPipeline('double', double, ['read', 'write']);
    const again = await device.createPipeline('double', double, ['read', 'write']);
    t.ok(first === again, 'the same kernel was compiled twice');
    t.equal(counters.pipelinesCreated, 1, 'pipelines');
    device.createBindGroup('double', first, [b, device.createBuffer('c', 16, usage)]);
    t.equal(counters.bindGroupsCreated, 1, 'bind groups');
    await device.sync();
  });

  c('refuses what exceeds the limits, by name', async (t) => {
    const { device } = t;
    const usage = GPUBufferUsage.COPY_DST;
    await t.throws(
      'limit-exceeded',
      () => device.createBuffer('decoder.weight', 2 ** 28 + 4, usage),
      /decoder\.weight needs 256 MiB \(268435472 bytes\).*maxBufferSize/,
    );
    await t.throws(
      'limit-exceeded',
      () => device.createBuffer('images', 2 ** 27 + 4, GPUBufferUsage.STORAGE),
      /images needs .*128 MiB \(maxStorageBufferBindingSize\)/,
    );
    const most = device.gpu.limits.maxStorageBuffersPerShaderStage;
    await t.throws(
      'limit-exceeded',
      () => device.createPipeline('wide', double, Array(most + 1).fill('read')),
      new RegExp(`wide binds ${most + 1} storage buffers.*allows ${most}`),
    );
    await t.throws('bad-input', () => device.createBuffer('x', NaN, usage), /buffer x/);
  });

  c('explains a kernel that does not compile', async (t) => {
    const code = double.replace('2.0 * input', '2u * input');
    const error = await t.throws('bad-kernel', () =>
      t.device.createPipeline('halve', code, ['read', 'write']),
    );
    t.ok(/^kernel halve, line 8:/.test(error.message), error.message);
    t.ok(error.message.includes('\n      output[id.x] = 2u * input[id.x];\n'), error.message);
    await t.throws(
      'bad-kernel',
      () => t.device.createPipeline('double', double, ['read', 'write'], 'nothing'),
      /kernel double.*nothing/s,
    );
    await t.throws(
      'bad-kernel',
      () => t.device.createPipeline('double', double, ['read', 'read']),
      /kernel double/,
    );
    // None of this is an error of what follows.
    await t.device.sync();
  });

  c('throws a validation error at the next look, once', async (t) => {
    const { device } = t;
    const sink = device.createBuffer('sink', 16, GPUBufferUsage.COPY_DST);
    const wrong = () => {
      const encoder = device.gpu.createCommandEncoder();
      encoder.copyBufferToBuffer(sink, 0, sink, 0, 16);
      device.submit([encoder.finish()]);
    };
    // Dawn names the buffer, and wgpu does not.
    const same = /sink|same buffer/;
    wrong();
    await t.throws('validation', () => device.sync(), same);
    await device.sync();
    await t.throws('validation', () => device.read(sink, 0, 4), /sink/);
    await t.throws('validation', () => device.withErrors('step 7', wrong), /^step 7: .*buffer/s);
    t.equal(await device.withErrors('step 8', async () => 8), 8);
    device.destroyBuffer(sink);
  });

  c('throws out-of-memory with the name of the tensor', async (t) => {
    const device = await t.open();
    withoutRoom(device, 'encoder.weight');
    await t.throws('out-of-memory', () => device.sync(), /encoder\.weight \(1 MiB\).*no room/);
    await device.sync();
  });

  c('measures a round trip that an earlier error cut short again', async (t) => {
    const device = await t.open();
    withoutRoom(device, 'x');
    await t.throws('out-of-memory', () => device.roundTrip(), /x \(1 MiB\)/);
    const milliseconds = await device.roundTrip();
    t.ok(milliseconds >= 0, `${milliseconds} ms`);
    t.equal(await device.roundTrip(), milliseconds);
  });

  c('tells of its loss, and refuses all work after it', async (t) => {
    const device = await t.open();
    const buffer = device.createBuffer('x', 64, GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST);
    const reading = device.read(buffer, 0, 64).catch((error: unknown) => error);
    device.lose();
    t.equal((await device.lost).reason, 'unknown');
    t.ok(device.isLost, 'the loss went unnoticed');
    const outcome = await reading;
    t.ok(isLatentGpuError(outcome, 'device-lost'), `a reading under way ended in ${outcome}`);
    await t.throws('device-lost', () => device.createBuffer('y', 4, 8), /openDevice/);
    await t.throws('device-lost', () => device.write(buffer, 0, new Float32Array(1)));
    await t.throws('device-lost', () => device.submit([]));
    await t.throws('device-lost', () => device.read(buffer, 0, 4));
    await t.throws('device-lost', () => device.sync());
    await t.throws('device-lost', () => device.createPipeline('k', double, ['read', 'write']));
    await t.throws('device-lost', () => device.withErrors('step', () => 1));
    const next = await t.open();
    await next.sync();
  });

  c('notices a loss that nobody announced', async (t) => {
    const device = await t.open();
    const compiling = device.createPipeline('k', `${double}//`, ['read', 'write']);
    device.gpu.destroy();
    await compiling.catch(() => {});
    await device.lost;
    await t.throws('device-lost', () => device.sync());
  });

  c('frees everything when destroyed', async (t) => {
    const device = await t.open();
    device.createBuffer('x', 64, GPUBufferUsage.COPY_DST);
    device.destroy();
    t.equal([device.counters.liveBuffers, device.counters.liveBytes], [0, 0]);
    t.equal((await device.lost).reason, 'destroyed');
    await t.throws('device-lost', () => device.sync(), /destroyed/);
    device.destroy();
  });

  c('opens the features asked for, or says which are absent', async (t) => {
    const plain = await t.open({ features: [] });
    t.ok(!plain.features.has('timestamp-query'), 'an unasked feature');
    const all = await t.open({ features: 'all' });
    t.ok(
      t.device.adapter.features.every((name) => all.features.has(name)),
      'features are missing',
    );
    const absent = 'no-such-feature' as GPUFeatureName;
    await t.throws('no-adapter', () => t.open({ features: [absent] }), /no-such-feature/);
  });

  c('refuses a software adapter where hardware is required', async (t) => {
    if (t.device.adapter.isSoftware) {
      await t.throws('no-adapter', () => t.open({ requireHardware: true }), /software|hardware/);
    } else {
      t.ok(!(await t.open({ requireHardware: true })).adapter.isSoftware, 'a software adapter');
    }
  });
});
