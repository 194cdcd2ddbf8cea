// Missing barriers, found on the CPU: every workgroup runs in lockstep and each access is recorded.
import { detectRaces } from 'wgsl_reflect/wgsl_reflect.module.js';
import { LatentGpuError } from '../errors.ts';
import type { Layout } from './layout.ts';
import { type KernelRequest, prepare } from './prepare.ts';
import { plainText } from './wgsl/plain.ts';

/** Two accesses to one place that no barrier puts in order, or invocations that part at a barrier. */
export interface Race {
  /** The variable; empty for a barrier that not all invocations reach. */
  readonly variable: string;
  /** The lines of the two accesses; none for a barrier. */
  readonly lines: readonly number[];
  readonly message: string;
}

/** Room behind arrays of a fixed size: the detector does not clamp an index as a GPU does. */
const SLACK = 64 * 1024;

/** Whether an array of a fixed size is the last of it. What is copied as a whole has to be of its own size. */
function endsInArray(layout: Layout): boolean {
  if (layout.kind === 'array') return layout.count > 0;
  const last = layout.kind === 'struct' ? layout.members.at(-1) : undefined;
  return last !== undefined && endsInArray(last.layout);
}

/**
 * Runs a kernel on the CPU, slowly and without a GPU, and reports accesses to workgroup or storage
 * memory that nothing orders: missing barriers. Keep the dispatch and the data small. Found races
 * depend on the data only as far as the addresses do.
 *
 * ```ts
 * const { code } = readShader({ file: 'sum.wgsl' });
 * const races = findRaces({ code, bindings: { x: new Float32Array(64) }, dispatch: 1 });
 * ```
 *
 * @throws LatentGpuError `bad-input`, `bad-kernel`; `validation` for a kernel that reaches beyond a
 *   bound array, which a GPU would clamp: give it a larger one
 */
export function findRaces(request: KernelRequest): Race[] {
  const { job, info } = prepare(request);
  const groups: Record<number, Record<number, unknown>> = {};
  for (const { name, group, binding, kind, bytes, texture } of job.slots) {
    if (texture) {
      const message = `${job.label}: ${name} is a texture; races are looked for among buffers alone.`;
      throw new LatentGpuError('bad-input', message);
    }
    const layout = info.bindings.find((each) => each.name === name)?.layout;
    const memory = new Uint8Array(bytes.length + (layout && endsInArray(layout) ? SLACK : 0));
    memory.set(bytes);
    const words = new Uint32Array(memory.buffer);
    groups[group] = {
      ...groups[group],
      [binding]: kind === 'uniform' ? { uniform: words } : words,
    };
  }
  try {
    // The detector lays out workgroup memory before it looks at overrides, which may size it.
    const code = plainText(job.code, request.constants);
    const { races, errors } = detectRaces(code, job.entryPoint, [...job.dispatch], groups);
    return [
      ...races.map(({ bufferId, a, b, message }) => ({
        variable: bufferId,
        lines: [a.line, b.line],
        message: `${job.label}:${a.line}: ${message}`,
      })),
      ...errors.map((message) => ({
        variable: '',
        lines: [],
        message: `${job.label}: ${message}`,
      })),
    ];
  } catch (cause) {
    throw new LatentGpuError(
      'validation',
      `${job.label}: the race detector gave up: ${(cause as Error).message}. ` +
        'It does not clamp indices: give arrays as large as the kernel reaches.',
      { cause },
    );
  }
}
