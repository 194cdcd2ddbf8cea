// The density of codes that was fitted to a trained model, beside it in its folder: `prior.json` and
// `prior.safetensors`. It belongs to the weights whose codes it was fitted to.
import { join } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { formatJson, isObject, parseJson } from '../formats/json.ts';
import { sha256 } from '../formats/sha256.ts';
import {
  buildModel,
  modelJson,
  readModelJson,
  readWeights,
  WEIGHTS_FILE,
  writeWeights,
} from '../models/index.ts';
import type { CodeDensity } from './code-density.ts';
import { commitFiles, readCommitted, readCommittedText } from './commit.node.ts';
import { FITTED_PRIOR } from './run-files.ts';

const FORMAT = 1;

/** Fingerprint of the weights of a model folder. @throws LatentGpuError `bad-input` if it has none */
export async function weightsOf(folder: string): Promise<string> {
  const bytes = await readCommitted(folder, WEIGHTS_FILE);
  if (bytes) return await sha256(bytes);
  throw new LatentGpuError('bad-input', `${folder} holds no ${WEIGHTS_FILE}`);
}

/**
 * Puts a density of a model's codes beside it, in place of one that is there. Nobody else may write to the
 * folder at the same time.
 *
 * @param about what is told of the fit, for people and programs
 * @param weights of the model whose codes they are
 */
export async function writeFittedPrior(
  folder: string,
  { config, values, buffers, standardization }: CodeDensity,
  about: Readonly<Record<string, unknown>>,
  weights: string,
  version: string,
): Promise<void> {
  const model = parseJson(modelJson(config, version), FITTED_PRIOR.description);
  await commitFiles(folder, {
    [FITTED_PRIOR.weights]: writeWeights(values, standardization, buffers),
    [FITTED_PRIOR.description]: formatJson({ format: FORMAT, ...about, weights, model }),
  });
}

/**
 * The density that was fitted to the codes of the model in a folder; undefined if there is none.
 *
 * @throws LatentGpuError `bad-format` if a file is faulty, `bad-input` if the model has other weights now
 */
export async function readFittedPrior(folder: string): Promise<CodeDensity | undefined> {
  const text = await readCommittedText(folder, FITTED_PRIOR.description);
  if (text === undefined) return undefined;
  const path = join(folder, FITTED_PRIOR.description);
  const root = parseJson(text, path);
  if (!isObject(root) || root.format !== FORMAT || !isObject(root.model)) {
    throw new LatentGpuError(
      'bad-format',
      `${path}: not a fitted prior of format ${FORMAT}; fit it again with \`latentgpu prior ${folder}\``,
    );
  }
  if (root.weights !== (await weightsOf(folder))) {
    throw new LatentGpuError(
      'bad-input',
      `${path} was fitted to the codes of other weights than ${folder} holds now; fit it again with \`latentgpu prior ${folder}\``,
    );
  }
  const { config } = readModelJson(JSON.stringify(root.model), path);
  const bytes = await readCommitted(folder, FITTED_PRIOR.weights);
  const file = join(folder, FITTED_PRIOR.weights);
  if (!bytes) throw new LatentGpuError('bad-input', `no such file: ${file}`);
  const model = buildModel(config);
  const { values, buffers, standardization } = readWeights(model, bytes, file, true);
  if (!standardization) throw new LatentGpuError('bad-format', `${file}: no standardisation`);
  return { config, model, values, buffers, standardization };
}
