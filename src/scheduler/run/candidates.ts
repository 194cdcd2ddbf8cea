// A schedule's kernels as the tuner sees them.
import { isHalf } from '../../graph/variable.ts';
import { workgroupSizeOf } from '../../kernels/join.ts';
import type { TunedTable } from '../../kernels/tuned.ts';
import { workgroupBytesOf } from '../../kernels/workgroup-memory.ts';
import type { Candidate, TuningTask } from '../../tuning/index.ts';
import type { Kernel } from '../emit/kernel.ts';
import { memoryBytes } from '../fuse/traffic.ts';
import type { Schedule } from './schedule.ts';

/** Operations that take as long as a byte moved: on most adapters, some. Only decides an order. */
const OPERATIONS_A_BYTE = 8;

const costOf = ({ flops, bytes }: Kernel): number => flops + OPERATIONS_A_BYTE * bytes;

function candidateOf({ label, code, bindings, dispatch }: Kernel): Candidate {
  return {
    label,
    code,
    dispatch,
    bindings: bindings.map(({ memory, kind, offset, bytes }) => ({
      kind,
      offset,
      size: bytes ?? memoryBytes(memory) - offset,
      memoryBytes: memoryBytes(memory),
      type: isHalf(memory) ? ('f16' as const) : memory.dtype,
      memory: memory.id,
    })),
  };
}

/** The kernels of a dispatch: those that share it, or the one that has it to itself. */
export const partsOf = (kernel: Kernel): readonly Kernel[] =>
  kernel.parts.length > 0 ? kernel.parts : [kernel];

interface Class {
  kernel: Kernel;
  cost: number;
  /** Whether some kernel of the class shares its dispatch. */
  shares: boolean;
}

/** Classes of kernels of which there is more than one variant; the dearest kernel stands for each. */
export function tuningTasks(schedule: Schedule): TuningTask[] {
  const classes = new Map<string, Class>();
  for (const whole of schedule.kernels) {
    const shares = whole.parts.length > 0;
    for (const kernel of partsOf(whole)) {
      const { choice } = kernel;
      if (!choice || choice.variants.length < 2) continue;
      const cost = costOf(kernel);
      const known = classes.get(choice.key);
      if (!known) classes.set(choice.key, { kernel, cost, shares });
      else {
        known.cost += cost;
        known.shares ||= shares;
        if (cost > costOf(known.kernel)) known.kernel = kernel;
      }
    }
  }
  return [...classes.values()].map(({ kernel, cost, shares }) => {
    const { key = '', variants = [] } = kernel.choice ?? {};
    return {
      key,
      label: kernel.label,
      cost,
      inParts: kernel.groups.some(({ splits }) => splits > 1),
      // Kernels share a dispatch only if their workgroups are of one size, and their memory together
      // is little: a launch that is spared is worth more than a better variant of what is small.
      get variants() {
        if (!shares) return variants;
        const size = workgroupSizeOf(kernel.code);
        const bytes = workgroupBytesOf(kernel.code);
        return variants.filter((variant) => {
          const { code } = schedule.as(kernel, variant);
          return workgroupSizeOf(code) === size && workgroupBytesOf(code) <= bytes;
        });
      },
      make: (variant) => candidateOf(schedule.as(kernel, variant)),
    };
  });
}

/** What of its table a schedule has made use of. */
export function tableInUse({ kernels, adapter }: Schedule): TunedTable {
  const keys = new Set(kernels.flatMap(partsOf).map(({ choice }) => choice?.key));
  return Object.fromEntries(Object.entries(adapter.tuned ?? {}).filter(([key]) => keys.has(key)));
}
