/** Compiles kernels, once each, and explains what a compiler complains about. */
import { LatentGpuError } from '../errors.ts';

/** How a kernel uses a buffer. */
export type BindingKind = 'uniform' | 'read' | 'write';

/** One binding of group 0. In a list, a bare kind stands for the binding of its position. */
export interface BindingSlot {
  binding: number;
  kind: BindingKind;
}

export type BindingLayout = readonly (BindingKind | BindingSlot)[];

const bufferTypes: Record<BindingKind, GPUBufferBindingType> = {
  uniform: 'uniform',
  read: 'read-only-storage',
  write: 'storage',
};

const COMPUTE_STAGE = 4;

/** Pipelines kept for the next plan; one that is in use stays alive without the cache. */
const KEPT = 512;

export class PipelineCache {
  /** Pipelines compiled so far; a cached one counts once. */
  created = 0;
  readonly #gpu: GPUDevice;
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly #groupLayouts = new WeakMap<GPUComputePipeline, GPUBindGroupLayout>();

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  /** The layout of bind group 0 of a pipeline that this cache made. */
  groupLayout(pipeline: GPUComputePipeline): GPUBindGroupLayout {
    return this.#groupLayouts.get(pipeline) ?? pipeline.getBindGroupLayout(0);
  }

  /**
   * A compute pipeline for `code`, compiled unless the same code with the same layout was before.
   *
   * @throws LatentGpuError `bad-kernel` with the compiler's message and the line it means;
   *   `limit-exceeded` if the layout needs more storage buffers than the device has
   */
  get(
    label: string,
    code: string,
    entryPoint: string,
    slots: BindingLayout,
  ): Promise<GPUComputePipeline> {
    const sorted = slots
      .map((slot, i) => (typeof slot === 'string' ? { binding: i, kind: slot } : slot))
      .sort((a, b) => a.binding - b.binding);
    const signature = sorted.map(({ binding, kind }) => `${binding}:${kind}`).join(' ');
    const key = `${entryPoint}\n${signature}\n${code}`;
    const known = this.#pipelines.get(key);
    if (known) {
      // Moved to the end: the first is the one not asked for the longest.
      this.#pipelines.delete(key);
      this.#pipelines.set(key, known);
      return known;
    }
    const pipeline = this.#compile(label, code, entryPoint, this.#layout(label, signature, sorted));
    this.#pipelines.set(key, pipeline);
    // A failure is the caller's to handle, and may be mended by a new device or driver.
    pipeline.catch(() => this.#pipelines.delete(key));
    const [oldest] = this.#pipelines.keys();
    if (this.#pipelines.size > KEPT && oldest !== undefined) this.#pipelines.delete(oldest);
    return pipeline;
  }

  /** Pipelines that the next plan finds compiled. */
  get kept(): number {
    return this.#pipelines.size;
  }

  #layout(label: string, signature: string, slots: readonly BindingSlot[]): GPUBindGroupLayout {
    let layout = this.#layouts.get(signature);
    if (!layout) {
      const storage = slots.filter(({ kind }) => kind !== 'uniform').length;
      const limit = this.#gpu.limits.maxStorageBuffersPerShaderStage;
      if (storage > limit) {
        throw new LatentGpuError(
          'limit-exceeded',
          `kernel ${label} binds ${storage} storage buffers and the device allows ${limit} ` +
            '(maxStorageBuffersPerShaderStage); split the kernel or pack its inputs.',
        );
      }
      layout = this.#gpu.createBindGroupLayout({
        label: signature,
        entries: slots.map(({ binding, kind }) => ({
          binding,
          visibility: COMPUTE_STAGE,
          buffer: { type: bufferTypes[kind] },
        })),
      });
      this.#layouts.set(signature, layout);
    }
    return layout;
  }

  async #compile(
    label: string,
    code: string,
    entryPoint: string,
    group: GPUBindGroupLayout,
  ): Promise<GPUComputePipeline> {
    // The module's own error is read from its compilation info; the scope keeps it from surfacing
    // a second time.
    this.#gpu.pushErrorScope('validation');
    const module = this.#gpu.createShaderModule({ label, code });
    const scope = this.#gpu.popErrorScope();
    try {
      const pipeline = await this.#gpu.createComputePipelineAsync({
        label,
        // One for each pipeline, because wgpu keeps the sizes that a shader expects of its bindings
        // with the pipeline's layout, where those of another shader would take their place.
        layout: this.#gpu.createPipelineLayout({ bindGroupLayouts: [group] }),
        compute: { module, entryPoint },
      });
      this.#groupLayouts.set(pipeline, group);
      this.created += 1;
      return pipeline;
    } catch (cause) {
      const info = await module.getCompilationInfo();
      const first = info.messages.find(({ type }) => type === 'error');
      const message = first
        ? describeMessage(label, code, first)
        : `kernel ${label} was refused: ${(cause as Error).message.trim()}`;
      throw new LatentGpuError('bad-kernel', message, { cause });
    } finally {
      await scope.catch(() => null);
    }
  }
}

/** `kernel NAME, line 3:9: MESSAGE`, then the line with a caret under what is meant. */
function describeMessage(label: string, code: string, found: GPUCompilationMessage): string {
  const head = `kernel ${label}, line ${found.lineNum}:${found.linePos}: ${found.message.trim()}`;
  const line = code.split('\n')[found.lineNum - 1];
  if (line === undefined) return head;
  const caret = ' '.repeat(Math.max(0, found.linePos - 1)) + '^'.repeat(Math.max(1, found.length));
  return `${head}\n  ${line}\n  ${caret.slice(0, Math.max(line.length, found.linePos))}`;
}
