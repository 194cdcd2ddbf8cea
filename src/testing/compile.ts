// Shaders and their pipelines on a device, and what its compiler says of them.
import type { Device } from '../device/index.ts';
import { isLatentGpuError, LatentGpuError } from '../errors.ts';
import { type Diagnostic, formatDiagnostics, type Shader } from './diagnostics.ts';
import type { Slot } from './prepare.ts';
import { placeAt } from './wgsl/lines.ts';

const COMPUTE_STAGE = 4;

/**
 * What an error of Dawn's says: lines after the first tell which call it was in, and advice on what
 * this adapter could do beyond WebGPU's defaults would make a test depend on it.
 */
export function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [first] = message.trim().split('\n') as [string];
  return first.replace(/ This adapter supports a higher .*/, '');
}

/** What a compiler says, in one line; without naga's picture of the place, which the message is told with anyhow. */
function inOneLine(message: string): string {
  const [head, ...rest] = message.trim().split('\n') as [string, ...string[]];
  const isNaga =
    rest.some((line) => line.includes('┌─')) || rest.every((line) => /^\s*= /.test(line));
  if (!isNaga) return [head, ...rest].map((line) => line.trim()).join('; ');
  const notes = rest.flatMap((line) => /^\s*= (?:note: )?(.+)$/.exec(line)?.[1] ?? []);
  const plain = head.replace(/^Shader (?:'.*?' parsing|validation) error: /, '');
  return [plain, ...notes].join('; ');
}

/** A module and all that its compiler says. */
async function compileModule(
  { gpu }: Device,
  { label, code }: Shader,
): Promise<{ module: GPUShaderModule; diagnostics: Diagnostic[] }> {
  // Its error is told by the compilation info; the scope keeps it from surfacing a second time.
  gpu.pushErrorScope('validation');
  const module = gpu.createShaderModule({ label, code });
  const scope = gpu.popErrorScope().catch(() => null);
  const { messages } = await module.getCompilationInfo();
  const diagnostics = messages.map(({ type, lineNum, offset, length, message }) => ({
    severity: type,
    // By WGSL's own line breaks: compilers differ in which they count.
    ...(lineNum > 0 ? placeAt(code, offset) : { line: 0, column: 0 }),
    length,
    message: inOneLine(message),
  }));
  const error = await scope;
  if (error && !diagnostics.some(({ severity }) => severity === 'error')) {
    const message = firstLine(error);
    diagnostics.push({ severity: 'error', line: 0, column: 0, length: 0, message });
  }
  return { module, diagnostics };
}

/** @throws LatentGpuError `bad-kernel` with every error among the messages, if there is one */
export function throwErrors(shader: Shader, diagnostics: readonly Diagnostic[]): void {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) {
    throw new LatentGpuError('bad-kernel', formatDiagnostics(shader, errors));
  }
}

/** A compute entry point to make a pipeline of. */
export interface EntryRequest {
  readonly name: string;
  readonly line: number;
}

/** A place in the shader, what is wrong there, the line and what is meant in it. */
const PLACE = /^[^\n]*?:(\d+):(\d+) error: ([^\n]+)\n[^\n]*(?:\n\s*(\^+))?/m;

/** What is wrong with an entry point. Tint finds some of it only where overrides have values, and says where. */
function ofPipeline(error: unknown, name: string, line: number): Diagnostic {
  const what = `entry point '${name}': `;
  const [found, row, column, said, carets = ''] =
    PLACE.exec(error instanceof Error ? error.message : '') ?? [];
  return found
    ? {
        severity: 'error',
        line: Number(row),
        column: Number(column),
        length: carets.length,
        message: what + said,
      }
    : { severity: 'error', line, column: 0, length: 0, message: what + firstLine(error) };
}

/** Whether an error says, in Dawn's words or in wgpu's, that an override was given no value. */
export const lacksValue = (message: string): boolean =>
  /uninitialized pipeline overridable|Missing value for pipeline-overridable/.test(message);

/**
 * Compiles a shader, and each of its compute entry points to a pipeline, because some limits are
 * only looked at there. Returns what the compiler says; says nothing itself.
 */
export async function compileShader(
  device: Device,
  shader: Shader,
  entryPoints: readonly EntryRequest[],
  constants: Readonly<Record<string, number>>,
): Promise<Diagnostic[]> {
  const { module, diagnostics } = await compileModule(device, shader);
  if (diagnostics.some(({ severity }) => severity === 'error')) return diagnostics;
  for (const { name, line } of entryPoints) {
    try {
      await device.gpu.createComputePipelineAsync({
        label: `${shader.label} ${name}`,
        layout: 'auto',
        compute: { module, entryPoint: name, constants },
      });
    } catch (error) {
      diagnostics.push(ofPipeline(error, name, line));
    }
  }
  return diagnostics;
}

/** What a pipeline binds. */
export type Slots = Pick<Slot, 'group' | 'binding' | 'kind' | 'texture' | 'sampler'>;

/** One entry of a bind group's layout. */
function entryOf({ binding, kind, texture, sampler }: Slots): GPUBindGroupLayoutEntry {
  const entry = { binding, visibility: COMPUTE_STAGE };
  if (sampler) return { ...entry, sampler: { type: sampler.type } };
  if (!texture) return { ...entry, buffer: { type: types[kind] } };
  const { access, format, sampleType, view: viewDimension } = texture;
  return access
    ? { ...entry, storageTexture: { access, format: format as GPUTextureFormat, viewDimension } }
    : { ...entry, texture: { sampleType: sampleType as GPUTextureSampleType, viewDimension } };
}

const types = { uniform: 'uniform', read: 'read-only-storage', write: 'storage' } as const;

/** A compute pipeline with the layouts of its bind groups. */
export interface Compiled {
  readonly pipeline: GPUComputePipeline;
  readonly groups: readonly GPUBindGroupLayout[];
}

/**
 * One entry point, ready to run.
 *
 * @throws LatentGpuError `bad-kernel` with every error of the compiler, or the limit that it exceeds
 */
export async function compileKernel(
  device: Device,
  kernel: Shader & {
    readonly entryPoint: string;
    /** Of the entry point's declaration. */
    readonly line: number;
    readonly constants: Record<string, number>;
    readonly slots: readonly Slots[];
  },
): Promise<Compiled> {
  const { label, entryPoint, line, constants, slots } = kernel;
  const { module, diagnostics } = await compileModule(device, kernel);
  throwErrors(kernel, diagnostics);
  const { gpu } = device;
  const what = `${label}: entry point '${entryPoint}'`;
  const count = Math.max(0, ...slots.map(({ group }) => group + 1));
  let groups: GPUBindGroupLayout[] = [];
  try {
    // Looked at by itself: a limit exceeded here would surface below as a layout that is invalid.
    const layout = await device.withErrors(what, () => {
      groups = Array.from({ length: count }, (_, group) =>
        gpu.createBindGroupLayout({
          label: `${label} group ${group}`,
          entries: slots.filter((slot) => slot.group === group).map(entryOf),
        }),
      );
      return gpu.createPipelineLayout({ label, bindGroupLayouts: groups });
    });
    const compute = { module, entryPoint, constants };
    const pipeline = await gpu.createComputePipelineAsync({ label, layout, compute });
    return { pipeline, groups };
  } catch (cause) {
    if (isLatentGpuError(cause, 'device-lost')) throw cause;
    const found = ofPipeline(cause, entryPoint, line);
    // A layout's error says already which entry point it is of.
    const told = found.message.replace(`${what}: `, '');
    const message = lacksValue(told) ? `${told} (give it one in \`constants\`)` : told;
    throw new LatentGpuError('bad-kernel', formatDiagnostics(kernel, [{ ...found, message }]), {
      cause,
    });
  }
}
