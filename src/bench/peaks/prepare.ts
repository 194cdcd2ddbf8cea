// What this adapter can do at best, measured with kernels that do one thing each, in several variants:
// what suits a GPU does not suit a software adapter.
import type { Device } from '../../device/index.ts';
import { type ClockName, Repeated, type Stopwatch } from '../../device/stopwatch.ts';
import { isLatentGpuError } from '../../errors.ts';
import { benchDispatch } from '../../kernels/shaders.gen.ts';
import { specialize } from '../../kernels/specialize.ts';
import { BUFFER_USAGE } from '../../scheduler/run/variable-memory.ts';
import { timed } from '../host.ts';
import { NO_WORK, type PeakKind, type Work } from '../roofline.ts';
import type { Subject } from '../rounds.ts';
import { dotProducts, multiplyAdds } from './arithmetic.ts';
import { draws } from './draws.ts';
import { chains, copies, read, write } from './memory.ts';
import type { AbsentPeak, Peak, PeakVariant } from './peak.ts';

/** One variant of a peak's kernel; the best of a name's variants counts. */
export interface PeakSubject extends Subject {
  readonly name: string;
  readonly kind: PeakKind;
  readonly clock: ClockName;
  /** Of one repetition. */
  readonly work: Work;
}

const dispatch: () => Peak = () => ({
  name: 'dispatch in a pass',
  kind: 'launch',
  buffers: [{ kind: 'write', bytes: 16 }],
  variants: [
    { code: specialize(benchDispatch), workgroups: 1, work: { ...NO_WORK, dispatches: 1 } },
  ],
});

/** Submissions timed together where each is to have its own. */
const SUBMISSIONS = 64;

export interface PreparedPeaks {
  readonly subjects: PeakSubject[];
  readonly absent: AbsentPeak[];
  destroy(): void;
}

/** Subjects for every variant of every peak that the device can have, warm, and what frees them. */
export async function preparePeaks(device: Device, stopwatch: Stopwatch): Promise<PreparedPeaks> {
  // Enough invocations for the widest GPU; a software adapter would be at it for seconds.
  const workgroups = device.adapter.isSoftware ? 64 : 8192;
  const subjects: PeakSubject[] = [];
  const buffers: GPUBuffer[] = [];
  const single = dispatch();
  const absent: AbsentPeak[] = [];
  const peaks = [
    ...multiplyAdds(workgroups),
    dotProducts(workgroups),
    ...copies(),
    write(),
    read(),
    ...chains(),
    draws('normals', workgroups),
    draws('uniforms', workgroups),
    single,
  ];
  for (const peak of peaks) {
    const { name, kind, needs } = peak;
    if (needs && !(await offers(device, peak))) {
      absent.push({ name, needs });
      continue;
    }
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
    absent,
    destroy: () => {
      for (const buffer of buffers) device.destroyBuffer(buffer);
    },
  };
}

/** Whether a device has what a peak needs. What is part of the language shows when it is compiled. */
async function offers(device: Device, { name, needs, buffers, variants }: Peak): Promise<boolean> {
  if (needs === 'shader-f16') return device.features.has(needs);
  const { code } = variants[0] as PeakVariant;
  const layout = buffers.map(({ kind }) => kind);
  return device.createPipeline(`bench ${name}`, code, layout).then(
    () => true,
    (error) => {
      if (isLatentGpuError(error, 'bad-kernel')) return false;
      throw error;
    },
  );
}

type Encode = (pass: GPUComputePassEncoder) => void;

async function encoderOf(
  device: Device,
  peak: Peak,
  { code, workgroups }: PeakVariant,
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
