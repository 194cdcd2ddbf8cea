// Programs on the visitor's GPU: a dispatch for each node that has memory, leg after leg.
import { adapterOf, deviceOf, nameOf } from '../adapter.ts';
import { checked } from '../checked.ts';
import { library } from '../kernels.gen.ts';
import { sizeOf } from '../network.ts';
import type { ProgramKernel } from './format.ts';
import { memoryOf, resolve } from './nodes.ts';
import type { Leg, Part, Program } from './read.ts';
import type { ProgramBackend, Task } from './task.ts';

// Of GPUBufferUsage, GPUShaderStage and GPUMapMode, which Node.js lacks.
const MAP_READ = 1;
const COPY_SRC = 4;
const COPY_DST = 8;
const UNIFORM = 64;
const STORAGE = 128;
const COMPUTE = 4;
const READ = 1;

/** Numbers in memory, products of a submission and rows of it. */
const MOST_NUMBERS = 2 ** 25;
const MOST_WORK = 2 ** 28;
const MOST_ROWS = 1024;
/** Workgroups in a row of a dispatch. */
const ACROSS = 32768;
/** Steps that are submitted before the page has its turn. */
const STEPS = 32;

interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindings: GPUBindGroup;
  readonly grid: ProgramKernel[2];
}

/** A leg as it is submitted: what is written, dispatched and copied. */
interface Made {
  /** Nodes that are fed or drawn. */
  readonly given: readonly number[];
  readonly dispatches: readonly (readonly [node: number, made: Dispatch])[];
  readonly copies: readonly (readonly [from: number, to: number])[];
}

/** @throws LatentGpuError `no-adapter`, `limit-exceeded`, `validation` */
export async function playOnWebGpu(
  program: Program,
  gpu: GPU | undefined,
): Promise<ProgramBackend> {
  const { nodes, numbers, work, weights } = program;
  const adapter = await adapterOf(gpu);
  const most = Math.min(MOST_NUMBERS / numbers, MOST_WORK / work, MOST_ROWS);
  const rows = Math.max(1, Math.floor(most));
  const sizes = nodes.map(({ shape }) => 4 * sizeOf(resolve(shape, rows)));
  const device = await deviceOf(
    adapter,
    sizes.reduce((a, b) => Math.max(a, b), 16),
  );
  const player = new Player(program, device, sizes);
  try {
    await checked(device, () => {
      for (const [node, data] of weights) device.queue.writeBuffer(player.buffer(node), 0, data);
    });
    // Now, so that the first rows do not wait for them.
    for (const part of Object.values(program.parts)) if (part) await player.made(part);
  } catch (error) {
    device.destroy();
    throw error;
  }
  let last: Promise<unknown> = Promise.resolve();
  return {
    name: 'webgpu',
    adapter: nameOf(adapter.info),
    rows,
    // All of them work in the same memory.
    run(task) {
      const mine = last.then(() => player.run(task));
      last = mine.catch(() => {});
      return mine;
    },
    destroy: () => device.destroy(),
  };
}

class Player {
  readonly #program: Program;
  readonly #device: GPUDevice;
  readonly #sizes: readonly number[];
  readonly #buffers = new Map<number, GPUBuffer>();
  readonly #rows: GPUBuffer;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly #dispatches = new Map<number, Promise<Dispatch>>();
  readonly #legs = new Map<Leg, Promise<Made>>();

  constructor(program: Program, device: GPUDevice, sizes: readonly number[]) {
    this.#program = program;
    this.#device = device;
    this.#sizes = sizes;
    this.#rows = device.createBuffer({ size: 16, usage: UNIFORM | COPY_DST });
  }

  buffer(node: number): GPUBuffer {
    let own = this.#buffers.get(node);
    if (!own) {
      const size = this.#sizes[node]!;
      own = this.#device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
      this.#buffers.set(node, own);
    }
    return own;
  }

  made({ legs, end }: Part): Promise<Made[]> {
    return Promise.all([...legs, end].map((leg) => this.#made(leg)));
  }

  #made(leg: Leg): Promise<Made> {
    let made = this.#legs.get(leg);
    if (!made) {
      made = this.#make(leg);
      this.#legs.set(leg, made);
    }
    return made;
  }

  async #make({ nodes: listed, effects }: Leg): Promise<Made> {
    const { nodes, weights, kernels } = this.#program;
    const copies: [number, number][] = [];
    const roots = effects.map((i) => {
      const { op, inputs } = nodes[i]!;
      if (op === 'scatter') return i;
      const from = memoryOf(nodes, inputs[1]!);
      copies.push([from, inputs[0]!]);
      return from;
    });
    const needed = new Set(roots.length ? roots : [memoryOf(nodes, listed.at(-1) ?? 0)]);
    const given: number[] = [];
    const found: ProgramKernel[] = [];
    // Operands come before: what is added is met later on.
    for (let i = nodes.length - 1; i >= 0; i--) {
      if (!needed.has(i) || weights.has(i) || nodes[i]!.op === 'state') continue;
      if (nodes[i]!.op === 'in' || nodes[i]!.op === 'noise') {
        given.unshift(i);
        continue;
      }
      const kernel = kernels.get(i)!;
      for (const operand of kernel[1]) needed.add(operand);
      found.unshift(kernel);
    }
    const dispatches = await Promise.all(
      found.map(async (kernel): Promise<[number, Dispatch]> => {
        const [i] = kernel;
        let own = this.#dispatches.get(i);
        if (!own) {
          own = this.#dispatch(kernel);
          this.#dispatches.set(i, own);
        }
        return [i, await own];
      }),
    );
    return { given, dispatches, copies };
  }

  async #dispatch([node, operands, grid, width, body]: ProgramKernel): Promise<Dispatch> {
    const { op, inputs } = this.#program.nodes[node]!;
    const target = op === 'scatter' ? inputs[0]! : node;
    const device = this.#device;
    const types = ['storage', 'uniform', ...operands.map(() => 'read-only-storage')] as const;
    const layout = device.createBindGroupLayout({
      entries: types.map((type, binding) => ({
        binding,
        visibility: COMPUTE,
        buffer: { type: type as GPUBufferBindingType },
      })),
    });
    const type = width === 4 ? 'vec4f' : 'f32';
    const bound = operands.map(
      (_, k) => `@group(0)@binding(${k + 2})var<storage,read>a${k}:array<${type}>;`,
    );
    const code = `${library}${this.#program.functions}@group(0)@binding(0)var<storage,read_write>y:array<f32>;
@group(0)@binding(1)var<uniform>u:vec4u;${bound.join('')}
@compute@workgroup_size(64)fn main(@builtin(global_invocation_id)id:vec3u){let n=u.x;let i=id.x+id.y*${ACROSS * 64}u;${body}}`;
    let pipeline = this.#pipelines.get(code);
    if (!pipeline) {
      pipeline = checked(device, () =>
        device.createComputePipelineAsync({
          layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
          compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
        }),
      );
      this.#pipelines.set(code, pipeline);
    }
    const buffers = [this.buffer(target), this.#rows, ...operands.map((i) => this.buffer(i))];
    const bindings = device.createBindGroup({
      layout,
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    return { pipeline: await pipeline, bindings, grid };
  }

  /** Rows of a part's result. */
  async run({ part, rows, feeds, noise, pace }: Task): Promise<Float32Array> {
    const { nodes } = this.#program;
    const device = this.#device;
    const made = await this.made(part);
    const sequence = part.order.flatMap(([leg, times]) => new Array<Made>(times).fill(made[leg]!));
    sequence.push(made.at(-1)!);
    /** What is the same in every leg. */
    const done = new Set<number>();
    const out = memoryOf(nodes, part.out);
    const bytes = 4 * sizeOf(resolve(nodes[part.out]!.shape, rows));
    const staging = device.createBuffer({ size: bytes, usage: MAP_READ | COPY_DST });

    const submit = ({ given, dispatches, copies }: Made, step: number, isLast: boolean) => {
      const encoder = device.createCommandEncoder();
      if (step === 0) {
        for (const [node, buffer] of this.#buffers) {
          if (nodes[node]!.op === 'state') encoder.clearBuffer(buffer);
        }
      }
      const isNew = (i: number) => {
        if (done.has(i)) return false;
        if (nodes[i]!.isFixed) done.add(i);
        return true;
      };
      for (const i of given.filter(isNew)) {
        const { op, rest, shape } = nodes[i]!;
        const data =
          op === 'in' ? feeds[rest[0]!]! : noise(nodes[i]!, i, resolve(shape, rows), step);
        device.queue.writeBuffer(this.buffer(i), 0, data as Float32Array<ArrayBuffer>);
      }
      const pass = encoder.beginComputePass();
      for (const [, { pipeline, bindings, grid }] of dispatches.filter(([i]) => isNew(i))) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bindings);
        const [quads, each] = grid.map((shape) => sizeOf(resolve(shape, rows))) as [number, number];
        const groups = Math.ceil((Math.ceil(quads / 4) * each) / 64);
        pass.dispatchWorkgroups(Math.min(groups, ACROSS), Math.ceil(groups / ACROSS));
      }
      pass.end();
      for (const [from, to] of copies) {
        const size = 4 * sizeOf(resolve(nodes[to]!.shape, rows));
        encoder.copyBufferToBuffer(this.buffer(from), 0, this.buffer(to), 0, size);
      }
      if (isLast) encoder.copyBufferToBuffer(this.buffer(out), 0, staging, 0, bytes);
      device.queue.submit([encoder.finish()]);
    };

    for (let first = 0; first < sequence.length; first += STEPS) {
      await checked(device, async () => {
        device.queue.writeBuffer(this.#rows, 0, Uint32Array.of(rows, 0, 0, 0));
        const some = sequence.slice(first, first + STEPS);
        some.forEach((each, i) => {
          submit(each, first + i, first + i === sequence.length - 1);
        });
        // The page has its turn meanwhile.
        if (first + STEPS < sequence.length) await device.queue.onSubmittedWorkDone();
        else await staging.mapAsync(READ);
      });
      pace.restart();
    }
    const result = new Float32Array(staging.getMappedRange().slice(0));
    staging.destroy();
    return result;
  }
}
