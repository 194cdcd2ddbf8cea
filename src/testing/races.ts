// Missing barriers, found on the CPU: every workgroup runs in lockstep and each access is recorded.
import { detectRaces } from 'wgsl_reflect/wgsl_reflect.module.js';
import { LatentGpuError } from '../errors.ts';
import { type KernelRequest, prepare } from './prepare.ts';
import type { ShaderInfo } from './reflect.ts';

type Constants = NonNullable<KernelRequest['constants']>;

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

/**
 * The text with its overrides as constants: the detector lays out workgroup memory before it looks at
 * overrides, and memory may be sized by one.
 */
function withConstants(code: string, { overrides }: ShaderInfo, given: Constants): string {
  return overrides.reduce((text, { name }) => {
    const declared = new RegExp(
      `(?:@id\\s*\\(\\w+\\)\\s*)?\\boverride(\\s+${name}\\b[^=;]*)(=[^;]*)?;`,
    );
    const value = given[name];
    return text.replace(declared, (_, head: string, init = '') => {
      return `const${head.trimEnd()} ${value === undefined ? init : `= ${value}`};`;
    });
  }, code);
}

/**
 * Runs a kernel on the CPU, slowly and without a GPU, and reports accesses to workgroup or storage
 * memory that nothing orders: missing barriers. Keep the dispatch and the data small. Found races
 * depend on the data only as far as the addresses do.
 *
 * @throws LatentGpuError `bad-input`, `bad-kernel`; `validation` for a kernel that reaches beyond a
 *   bound array, which a GPU would clamp: give it a larger one
 */
export function findRaces(request: KernelRequest): Race[] {
  const { job, info } = prepare(request);
  const groups: Record<number, Record<number, unknown>> = {};
  for (const { name, group, binding, kind, bytes } of job.slots) {
    const layout = info.bindings.find((each) => each.name === name)?.layout;
    const open = layout?.kind === 'array' && layout.count === 0;
    const memory = new Uint8Array(bytes.length + (open ? 0 : SLACK));
    memory.set(bytes);
    const words = new Uint32Array(memory.buffer);
    groups[group] = {
      ...groups[group],
      [binding]: kind === 'uniform' ? { uniform: words } : words,
    };
  }
  // The detector does not know directives; without them the lines keep their numbers.
  const plain = job.code.replace(/^\s*(enable|requires)\b[^;]*;/gm, '');
  const code = withConstants(plain, info, request.constants ?? {});
  try {
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
