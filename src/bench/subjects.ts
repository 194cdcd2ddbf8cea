// What is sampled: the peaks, kernels and steps of a run, on one device.
import type { Device } from '../device/index.ts';
import { type ClockName, Repeated, Stopwatch } from '../device/stopwatch.ts';
import { dispatchOrder, Runtime } from '../scheduler/index.ts';
import type { Tuner } from '../tuning/index.ts';
import { type KernelCase, kernelNames, kernelRow } from './kernels.ts';
import type { AbsentPeak } from './peaks/peak.ts';
import { preparePeaks } from './peaks/prepare.ts';
import type { BenchRow } from './report.ts';
import { type PeakKind, sumOfWork, type Work } from './roofline.ts';
import type { Subject } from './rounds.ts';
import { type StepSubject, variantsOf, type Workbench, workOf } from './step-subject.ts';
import { prepareStep, STEPS } from './steps.ts';

export interface Measured extends Subject {
  readonly name: string;
  readonly group: BenchRow['group'];
  readonly clock: ClockName;
  readonly work: Work;
  /** Pieces that run one after another, where there are several. */
  readonly pieces?: readonly Work[];
  /** Of its kernels, as chosen; a peak has none. */
  readonly variants?: readonly string[];
  readonly peak?: PeakKind;
  readonly step?: StepSubject;
  destroy?(): void | Promise<void>;
}

/** A kernel, warm and ready to be sampled. */
export async function prepareKernel(
  name: string,
  { program, bytes, flops }: KernelCase,
  { stopwatch, device, seed, tuner }: Workbench & { stopwatch: Stopwatch },
): Promise<Measured> {
  const { clock } = stopwatch;
  const runtime = new Runtime(device, { seed, tune: tuner });
  const plan = await runtime.compile(program);
  const order = [...dispatchOrder(plan.schedule.turns)];
  const encode = (pass: GPUComputePassEncoder) => {
    for (const kernel of order) plan.encode(pass, kernel);
  };
  const work = sumOfWork(workOf(plan.schedule));
  const repeated = new Repeated(stopwatch, encode, order.length);
  await repeated.warmUp();
  return {
    name,
    group: 'kernel',
    clock,
    work: { ...work, bytes, flops: flops ?? work.flops },
    variants: variantsOf(plan.schedule),
    sample: () => repeated.time(),
    destroy: () => runtime.destroy(),
  };
}

/** A step, as it is sampled. */
export function measuredStep(step: StepSubject): Measured {
  const { name, work: pieces, variants, sample } = step;
  return {
    name,
    group: 'step',
    clock: 'host',
    work: sumOfWork(pieces),
    pieces,
    variants,
    sample,
    step,
    destroy: () => step.destroy(),
  };
}

/** Everything that is sampled in one run. */
export class Subjects implements Workbench {
  readonly all: Measured[] = [];
  /** Peaks that this device lacks the means for. */
  absent: readonly AbsentPeak[] = [];
  readonly device: Device;
  readonly stopwatch: Stopwatch;
  readonly seed: number;
  readonly tuner: Tuner;
  private freePeaks = () => {};

  constructor(device: Device, tuner: Tuner, clock: ClockName, seed: number) {
    this.device = device;
    this.seed = seed;
    this.tuner = tuner;
    this.stopwatch = new Stopwatch(device, clock);
  }

  get clock(): ClockName {
    return this.stopwatch.clock;
  }

  async addPeaks(): Promise<void> {
    const { subjects, absent, destroy } = await preparePeaks(this.device, this.stopwatch);
    this.absent = absent;
    this.freePeaks = destroy;
    for (const { name, kind, clock, work, sample } of subjects) {
      this.all.push({ name, group: 'peak', clock, work, peak: kind, sample });
    }
  }

  /** A kernel or a step, by its name. */
  async add(name: string): Promise<Measured> {
    const added = STEPS.includes(name)
      ? measuredStep(await prepareStep(name, this))
      : await prepareKernel(name, kernelRow(name).build(), this);
    this.all.push(added);
    return added;
  }

  async destroy(): Promise<void> {
    for (const { destroy } of this.all.toReversed()) await destroy?.();
    this.freePeaks();
    this.stopwatch.destroy();
  }
}

/** Names of all kernels and steps that an adapter of this kind is measured with. */
export function subjectNames(isSoftware: boolean): string[] {
  return [...kernelNames(isSoftware), ...STEPS];
}
