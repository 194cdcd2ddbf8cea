// What this adapter can do at best, measured with kernels that do one thing each, in several variants:
// what suits a GPU does not suit a software adapter.
import type { BindingKind, Device } from '../device/index.ts';
import { type ClockName, Repeated, type Stopwatch } from '../device/stopwatch.ts';
import { specialize } from '../kernels/specialize.ts';
import { BUFFER_USAGE } from '../scheduler/run/variable-memory.ts';
import { timed } from './host.ts';
import { NO_WORK, type PeakKind, type Work } from './roofline.ts';
import type { Subject } from './rounds.ts';

/** One variant of a peak's kernel; the best of a name's variants counts. */
export interface PeakSubject extends Subject {
  readonly name: string;
  readonly kind: PeakKind;
  readonly clock: ClockName;
  /** Of one repetition. */
  readonly work: Work;
}

interface Buffer {
  readonly kind: BindingKind;
  readonly bytes: number;
  readonly data?: ArrayBufferView;
}

interface Variant {
  readonly code: string;
  readonly workgroups: number;
  readonly work: Work;
}

interface Peak {
  readonly name: string;
  readonly kind: PeakKind;
  readonly buffers: readonly Buffer[];
  readonly variants: readonly Variant[];
}

const WORKGROUP = 64;

/** Independent chains an invocation: too few wait for each other, too many leave the registers. */
const CHAINS = [4, 6, 8];

function multiplyAdds(workgroups: number): Peak {
  const [iterations, unroll] = [128, 8];
  const invocations = workgroups * WORKGROUP;
  return {
    name: 'fused multiply-adds',
    kind: 'fma',
    buffers: [
      // acc a + b settles at 1: neither zeros nor infinities are multiplied.
      { kind: 'read', bytes: 32, data: new Float32Array(8).fill(0.5) },
      { kind: 'write', bytes: 16 * invocations },
    ],
    variants: CHAINS.map((chains) => ({
      code: specialize('bench_fma', {
        constants: { ACCUMULATORS: chains, ITERATIONS: iterations, UNROLL: unroll, WORKGROUP },
      }),
      workgroups,
      work: { ...NO_WORK, flops: 2 * 4 * chains * unroll * iterations * invocations },
    })),
  };
}

/** Bytes of the buffers that are copied: within caches of different levels, and beyond them. */
const COPIED = [0.25, 4, 16, 64].map((mebibytes) => mebibytes * 2 ** 20);

/**
 * Workgroup, and quads an invocation: a GPU wants many invocations, a software adapter few, which walk
 * through memory without leaps.
 */
const copyShapes = (quads: number) =>
  [
    [256, 1],
    [256, 4],
    [64, 16],
    [64, 64],
    [4, quads / 1024],
  ] as const;

function copy(bytes: number): Peak {
  const quads = bytes / 16;
  return {
    name: `copy of ${bytes / 2 ** 20} MiB`,
    kind: 'copy',
    buffers: [
      { kind: 'read', bytes },
      { kind: 'write', bytes },
    ],
    variants: copyShapes(quads).map(([workgroup, items]) => ({
      code: specialize('bench_copy', {
        constants: { QUADS: quads, ITEMS: items, WORKGROUP: workgroup },
      }),
      workgroups: Math.ceil(quads / (workgroup * items)),
      work: { ...NO_WORK, bytes: 2 * bytes },
    })),
  };
}

/** What draws are held against that leave for memory. */
const WRITTEN = 64 * 2 ** 20;
/** Workgroup, and quads an invocation. */
const WRITE_SHAPES = [
  [256, 1],
  [64, 16],
  [64, 64],
] as const;

function write(): Peak {
  const quads = WRITTEN / 16;
  return {
    name: `write of ${WRITTEN / 2 ** 20} MiB`,
    kind: 'write',
    buffers: [
      { kind: 'uniform', bytes: 16 },
      { kind: 'write', bytes: WRITTEN },
    ],
    variants: WRITE_SHAPES.map(([workgroup, items]) => ({
      code: specialize('bench_write', {
        constants: { QUADS: quads, ITEMS: items, WORKGROUP: workgroup },
      }),
      workgroups: Math.ceil(quads / (workgroup * items)),
      work: { ...NO_WORK, bytes: WRITTEN },
    })),
  };
}

function draws(kind: 'normals' | 'uniforms', workgroups: number): Peak {
  const iterations = 32;
  const numbers = 4 * iterations * WORKGROUP * workgroups;
  return {
    name: kind === 'normals' ? 'normal draws in registers' : 'uniform draws in registers',
    kind,
    buffers: [
      { kind: 'uniform', bytes: 16, data: new Uint32Array([1, 2, 0, 0]) },
      { kind: 'write', bytes: 16 * workgroups * WORKGROUP },
    ],
    variants: [0, 1].map((converts) => ({
      code: specialize('bench_random', {
        constants: {
          ITERATIONS: iterations,
          NORMAL: Number(kind === 'normals'),
          WORKGROUP,
          PHILOX_CONVERTS: converts,
        },
      }),
      workgroups,
      work: { ...NO_WORK, [kind]: numbers },
    })),
  };
}

const dispatch: () => Peak = () => ({
  name: 'dispatch in a pass',
  kind: 'launch',
  buffers: [{ kind: 'write', bytes: 16 }],
  variants: [
    { code: specialize('bench_dispatch'), workgroups: 1, work: { ...NO_WORK, dispatches: 1 } },
  ],
});

/** Submissions timed together where each is to have its own. */
const SUBMISSIONS = 64;

/** Subjects for every variant of every peak, warm, and what frees them. */
export async function preparePeaks(
  device: Device,
  stopwatch: Stopwatch,
): Promise<{ subjects: PeakSubject[]; destroy: () => void }> {
  // Enough invocations for the widest GPU; a software adapter would be at it for seconds.
  const workgroups = device.adapter.isSoftware ? 64 : 8192;
  const subjects: PeakSubject[] = [];
  const buffers: GPUBuffer[] = [];
  const single = dispatch();
  const peaks = [
    multiplyAdds(workgroups),
    ...COPIED.map(copy),
    write(),
    draws('normals', workgroups),
    draws('uniforms', workgroups),
    single,
  ];
  for (const peak of peaks) {
    const { name, kind } = peak;
    const bound = peak.buffers.map(({ bytes, data }) => {
      const buffer = device.createBuffer(`bench ${name}`, bytes, BUFFER_USAGE);
      if (data) device.write(buffer, 0, data);
      return buffer;
    });
    buffers.push(...bound);
    for (const variant of peak.variants) {
      const encode = await encoderOf(device, peak, variant, bound);
      const repeated = new Repeated(stopwatch, encode);
      await repeated.warmUp();
      const { clock } = stopwatch;
      subjects.push({ name, kind, clock, work: variant.work, sample: () => repeated.time() });
      if (peak === single) subjects.push(...waits(device, encode, bound[0] as GPUBuffer));
    }
  }
  return {
    subjects,
    destroy: () => {
      for (const buffer of buffers) device.destroyBuffer(buffer);
    },
  };
}

type Encode = (pass: GPUComputePassEncoder) => void;

async function encoderOf(
  device: Device,
  peak: Peak,
  { code, workgroups }: Variant,
  buffers: readonly GPUBuffer[],
): Promise<Encode> {
  const label = `bench ${peak.name}`;
  const layout = peak.buffers.map(({ kind }) => kind);
  const pipeline = await device.createPipeline(label, code, layout);
  const group = device.createBindGroup(label, pipeline, buffers);
  return (pass) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(workgroups);
    device.counters.dispatches += 1;
  };
}

/** What is timed by the host, because the host is part of it. */
function waits(device: Device, encode: Encode, result: GPUBuffer): PeakSubject[] {
  const submit = () => {
    const encoder = device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    encode(pass);
    pass.end();
    device.submit([encoder.finish()]);
  };
  const subject = (
    name: string,
    kind: PeakKind,
    count: number,
    wait: () => Promise<unknown>,
  ): PeakSubject => ({
    name,
    kind,
    clock: 'host',
    work: { ...NO_WORK, dispatches: 1 },
    sample: () =>
      timed(count, async () => {
        for (let i = 0; i < count; i++) submit();
        await wait();
      }),
  });
  return [
    subject('dispatch with a submission', 'submission', SUBMISSIONS, () => device.sync()),
    subject('dispatch, submitted and waited for', 'round trip', 1, () => device.sync()),
    subject('dispatch, submitted and read', 'read back', 1, () => device.read(result, 0, 4)),
  ];
}
