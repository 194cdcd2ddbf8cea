// latentgpu inspect: what is in a model folder or a file of weights, and how training would run.
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { extentsText } from '../categories.ts';
import { LatentGpuError } from '../errors.ts';
import { readWeightsFile } from '../interchange/foreign-weights.ts';
import type { Model } from '../models/index.ts';
import { type AdapterClass, schedule, workOfStep } from '../scheduler/index.ts';
import { defaultAdapterClass } from '../scheduler/lower/adapter.ts';
import type { LoadedModel } from '../training/model-folder.node.ts';
import { type Context, common, runCommand } from './common/command.ts';
import { loadModel } from './common/device.ts';
import { table, thousands } from './common/text.ts';
import { weightsFile } from './common/weights-file.ts';
import { stepProgram } from './step-program.ts';

export function inspectCommand(program: Command): void {
  const command = program
    .command('inspect')
    .description("Tells a model's tensors, its size, and what one training step does on the GPU.")
    .argument('<dir|file>', 'model folder, or a file of weights (.safetensors, .pt)')
    .action((path: string, options) =>
      runCommand(options, async (context) => {
        const found = await stat(path).catch(() => undefined);
        if (!found)
          throw new LatentGpuError('bad-input', `no such file or folder: ${path || "''"}`);
        await (found.isFile() ? inspectFile : inspectFolder)(path, context);
      }),
    );
  common(command, 'latentgpu inspect runs/mnist\nlatentgpu inspect weights.safetensors --json');
}

interface Row {
  name: string;
  dtype: string;
  shape: readonly number[];
  size: number;
}

function tensorTable(rows: readonly Row[]): string {
  const total = rows.reduce((sum, { size }) => sum + size, 0);
  return table([
    ['tensor', 'type', 'shape', 'numbers'],
    ...rows.map(({ name, dtype, shape, size }) => [
      name,
      dtype,
      `[${shape.join(', ')}]`,
      thousands(size),
    ]),
    ['', '', '', `${thousands(total)} in all`],
  ]);
}

async function inspectFile(path: string, { out }: Context): Promise<void> {
  const { bytes, beside } = await weightsFile(path);
  const { tensors, metadata } = readWeightsFile(bytes, path, beside);
  const rows = [...tensors].map(([name, { dtype, shape, data }]) => ({
    name,
    dtype,
    shape,
    size: data.length,
  }));
  const about = Object.entries(metadata).map(([key, value]) => `${key}: ${value}`);
  out.result(
    { file: path, tensors: rows, parameters: rows.reduce((n, { size }) => n + size, 0), metadata },
    [tensorTable(rows), ...about].join('\n'),
  );
}

async function inspectFolder(path: string, { out }: Context): Promise<void> {
  const loaded = await loadModel(path, out);
  const { config, model, record, standardization } = loaded;
  const buffers = Object.entries(standardization ?? {}).map(([name, { length }]) => ({
    name: `standardize.${name}`,
    shape: [length],
    size: length,
  }));
  const held = [...loaded.buffers.keys()];
  const rows = [...loaded.weights.keys(), ...held, ...buffers].map((tensor) => ({
    name: tensor.name,
    dtype: 'dtype' in tensor && tensor.dtype === 'u32' ? 'U32' : 'F32',
    shape: tensor.shape,
    size: tensor.size,
  }));
  const plan = stepPlan(loaded);
  const planned = record ? `as on ${record.adapter.name}` : 'as on a GPU with the default limits';
  out.result(
    {
      folder: path,
      ...config,
      ...(model.portrait?.layerConfigs && { layers: model.portrait.layerConfigs }),
      tensors: rows,
      parameters: model.parameterCount(),
      plan: {
        ...workOfStep(plan),
        peakBytes: plan.memory.peakBytes,
        explanation: plan.explain(),
      },
      training: record?.config ?? null,
    },
    [
      `${config.family}: ${extentsText(config.data.shape, config.data.categories)}${standardization ? ', standardised' : ''}${described(model)}`,
      tensorTable(rows),
      `a training step, ${planned}:`,
      plan.explain(),
    ].join('\n\n'),
  );
}

/** A code and what the decoder describes; or layers, a line each. */
function described({ portrait }: Model): string {
  if (!portrait) return '';
  const { layers, line = ['', ''] } = portrait;
  if (!layers) return line.join('').replace(', ', ' → ');
  const lines = layers.map((row) => `  ${row.filter(Boolean).join('  ')}`);
  return [', from noise to data:', ...lines].join('\n');
}

/** How a training step would run, on the class of adapter it was trained on. Needs no GPU. */
function stepPlan(loaded: LoadedModel) {
  const { record } = loaded;
  const adapter: AdapterClass = {
    ...defaultAdapterClass,
    ...(record && {
      isSoftware: record.adapter.isSoftware,
      ...(record.adapter.vendor !== undefined && { vendor: record.adapter.vendor }),
      ...(record.adapter.subgroupSize !== undefined && {
        subgroupSize: record.adapter.subgroupSize,
      }),
    }),
  };
  return schedule(stepProgram(loaded), adapter);
}
