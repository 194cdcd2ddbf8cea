// What this adapter can do at best, measured with kernels that do one thing each.
import type { BindingKind, Device } from '../device/index.ts';
import { specialize } from '../kernels/specialize.ts';
import { BUFFER_USAGE } from '../scheduler/runtime.ts';
import { timed } from './host.ts';
import type { PeakKind } from './roofline.ts';
import type { Subject } from './rounds.ts';
import { Repeated, type Stopwatch } from './stopwatch.ts';

export interface PeakSubject extends Subject {
  readonly name: string;
  readonly kind: PeakKind;
  /** Operations, bytes or draws of one repetition; 1 for what is timed as it is. */
  readonly work: number;
}

interface Variant {
  readonly code: string;
  readonly workgroups: number;
  readonly buffers: readonly { kind: BindingKind; bytes: number; data?: ArrayBufferView }[];
}

const FMA = { iterations: 128, unroll: 8, workgroup: 64 };

/** Chains an invocation: too few wait for each other, too many leave the registers. */
const CHAINS = [2, 4, 8];

function fmaVariant(chains: number, workgroups: number): Variant & { work: number } {
  const invocations = workgroups * FMA.workgroup;
  return {
    code: specialize('bench_fma', {
      constants: {
        ACCUMULATORS: chains,
        ITERATIONS: FMA.iterations,
        UNROLL: FMA.unroll,
        WORKGROUP: FMA.workgroup,
      },
    }),
    workgroups,
    // acc a + b settles at 1: neither zeros nor overflows are multiplied.
    buffers: [
      { kind: 'read', bytes: 32, data: new Float32Array([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]) },
      { kind: 'write', bytes: 16 * invocations },
    ],
    work: 2 * 4 * chains * FMA.unroll * FMA.iterations * invocations,
  };
}

/** Bytes of the buffers that are copied: within caches of different levels, and beyond them. */
const COPIED = [256 * 1024, 4 * 1024 * 1024, 64 * 1024 * 1024];

/** Quads an invocation copies: a GPU wants many invocations, a software adapter few. */
const COPY_ITEMS = [1, 8, 64];

function copyVariant(bytes: number, items: number): Variant {
  const quads = bytes / 16;
  const workgroup = 256;
  return {
    code: specialize('bench_copy', {
      constants: { QUADS: quads, ITEMS: items, WORKGROUP: workgroup },
    }),
    workgroups: Math.ceil(quads / (workgroup * items)),
    buffers: [
      { kind: 'read', bytes },
      { kind: 'write', bytes },
    ],
  };
}

const RANDOM = { iterations: 16, workgroup: 64 };

function randomVariant(converts: number, workgroups: number): Variant {
  return {
    code: specialize('bench_random', {
      constants: {
        ITERATIONS: RANDOM.iterations,
        WORKGROUP: RANDOM.workgroup,
        PHILOX_CONVERTS: converts,
      },
    }),
    workgroups,
    buffers: [
      { kind: 'read', bytes: 16, data: new Uint32Array([1, 2, 0, 0]) },
      { kind: 'write', bytes: 16 * workgroups * RANDOM.workgroup },
    ],
  };
}

const DISPATCH: Variant = {
  code: specialize('bench_dispatch'),
  workgroups: 1,
  buffers: [{ kind: 'write', bytes: 16 }],
};

interface Made {
  encode(pass: GPUComputePassEncoder): void;
  /** The last buffer of the variant: its result. */
  result: GPUBuffer;
  destroy(): void;
}

async function make(device: Device, name: string, variant: Variant): Promise<Made> {
  const { code, workgroups, buffers } = variant;
  const pipeline = await device.createPipeline(
    `bench ${name}`,
    code,
    buffers.map(({ kind }) => kind),
  );
  const made = buffers.map(({ bytes, data }) => {
    const buffer = device.createBuffer(`bench ${name}`, bytes, BUFFER_USAGE);
    if (data) device.write(buffer, 0, data);
    return buffer;
  });
  const group = device.createBindGroup(`bench ${name}`, pipeline, made);
  return {
    encode(pass) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(workgroups);
      device.counters.dispatches += 1;
    },
    result: made.at(-1) as GPUBuffer,
    destroy: () => {
      for (const buffer of made) device.destroyBuffer(buffer);
    },
  };
}

/** The fastest of several variants of the same work, by work a millisecond. */
async function fastest(
  stopwatch: Stopwatch,
  device: Device,
  name: string,
  variants: readonly (Variant & { work: number })[],
): Promise<{ made: Made; repeated: Repeated; work: number }> {
  let best: { made: Made; repeated: Repeated; work: number; rate: number } | undefined;
  for (const variant of variants) {
    const made = await make(device, name, variant);
    const repeated = new Repeated(stopwatch, (pass) => made.encode(pass));
    await repeated.warmUp();
    const times = [await repeated.time(), await repeated.time(), await repeated.time()];
    const rate = variant.work / Math.min(...times.map(({ ms }) => ms));
    if (best && best.rate >= rate) {
      made.destroy();
      continue;
    }
    best?.made.destroy();
    best = { made, repeated, work: variant.work, rate };
  }
  return best as NonNullable<typeof best>;
}

/** Submissions timed together where each is to have its own. */
const SUBMISSIONS = 64;

/** Subjects for every peak, ready to be sampled, and what frees them. */
export async function preparePeaks(
  device: Device,
  stopwatch: Stopwatch,
): Promise<{ subjects: PeakSubject[]; destroy: () => void }> {
  const { isSoftware } = device.adapter;
  const subjects: PeakSubject[] = [];
  const made: Made[] = [];
  const rate = async (
    name: string,
    kind: PeakKind,
    variants: readonly (Variant & { work: number })[],
  ) => {
    const best = await fastest(stopwatch, device, name, variants);
    made.push(best.made);
    subjects.push({ name, kind, work: best.work, sample: () => best.repeated.time() });
  };
  // Enough invocations for the widest GPU; a software adapter would be at it for seconds.
  const workgroups = isSoftware ? 64 : 8192;
  await rate(
    'fused multiply-adds',
    'fma',
    CHAINS.map((chains) => fmaVariant(chains, workgroups)),
  );
  for (const bytes of COPIED) {
    const variants = COPY_ITEMS.map((items) => ({ ...copyVariant(bytes, items), work: 2 * bytes }));
    await rate(`copy of ${bytes / 2 ** 20} MiB`, 'copy', variants);
  }
  const draws = 4 * RANDOM.iterations * RANDOM.workgroup * workgroups;
  await rate(
    'normal draws in registers',
    'random',
    [0, 1].map((converts) => ({ ...randomVariant(converts, workgroups), work: draws })),
  );
  await rate('dispatch in a pass', 'dispatch', [{ ...DISPATCH, work: 1 }]);
  const single = await make(device, 'dispatch', DISPATCH);
  made.push(single);
  for (const subject of waits(device, single)) {
    await subject.sample();
    subjects.push(subject);
  }
  return {
    subjects,
    destroy: () => {
      for (const each of made) each.destroy();
    },
  };
}

/** What is timed by the host, because the host is part of it. */
function waits(device: Device, made: Made): PeakSubject[] {
  const submit = () => {
    const encoder = device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    made.encode(pass);
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
    work: 1,
    sample: () =>
      timed(count, async () => {
        for (let i = 0; i < count; i++) submit();
        await wait();
      }),
  });
  return [
    subject('dispatch with a submission', 'submission', SUBMISSIONS, () => device.sync()),
    subject('dispatch, submitted and waited for', 'round trip', 1, () => device.sync()),
    subject('dispatch, submitted and read', 'read back', 1, () => device.read(made.result, 0, 4)),
  ];
}
