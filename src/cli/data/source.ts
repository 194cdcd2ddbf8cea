// Where codes are drawn from: a model's own prior, or a density that was fitted to its codes.
import { Option } from 'commander';
import { toOriginal } from '../../data/standardize.ts';
import { LatentGpuError } from '../../errors.ts';
import { type Asked, giveWeights, type Model, need, openInference } from '../../models/index.ts';
import { FIRST_STREAM_OF_CODES } from '../../streams.ts';
import type { CodeDensity } from '../../training/code-density.ts';
import { readFittedPrior } from '../../training/fitted-prior.node.ts';

export type PriorChoice = 'own' | 'fitted';

export const priorOption = (): Option =>
  new Option(
    '--prior <which>',
    "where codes come from: the model's own, or what `latentgpu prior` fitted; default: own if there is one",
  ).choices(['own', 'fitted']);

/**
 * What was fitted to a model's codes, where it is to be drawn from.
 *
 * @throws LatentGpuError `bad-input` if it was asked for and is not there
 */
export async function fittedFor(
  dir: string,
  { can: { draw, ancestral } }: Model,
  asked: PriorChoice | undefined,
): Promise<CodeDensity | undefined> {
  if ((asked ?? (draw || ancestral ? 'own' : 'fitted')) === 'own') return undefined;
  const fitted = await readFittedPrior(dir);
  if (fitted || asked === undefined) return fitted;
  throw new LatentGpuError(
    'bad-input',
    `--prior fitted: ${dir} has none; \`latentgpu prior ${dir}\` fits one`,
  );
}

export interface Source {
  readonly model: Model;
  readonly fitted: CodeDensity | undefined;
}

/** @throws LatentGpuError `bad-input` if there is nothing to draw from */
export async function sourceFor(
  dir: string,
  model: Model,
  asked: PriorChoice | undefined,
): Promise<Source> {
  const fitted = await fittedFor(dir, model, asked);
  if (fitted) return { model: fitted.model, fitted };
  if (!model.can.ancestral) need(model, 'draw', dir);
  return { model, fitted };
}

/** Codes [count, M] of a density that was fitted to them. */
export async function codesDrawn(
  runtime: Asked['runtime'],
  { model, values, buffers, standardization }: CodeDensity,
  count: number,
  seed: number,
  how: Parameters<Asked['sample']>[3],
): Promise<Float32Array> {
  giveWeights(runtime, values);
  giveWeights(runtime, buffers);
  const asked = openInference(runtime, model, { firstStream: FIRST_STREAM_OF_CODES });
  try {
    const codes = await asked.sample(count, 'draw', seed, how);
    return Float32Array.from(toOriginal(codes, standardization));
  } finally {
    await asked.destroy();
  }
}
