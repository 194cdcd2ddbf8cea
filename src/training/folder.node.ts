// Model folders on disk: what a training run leaves, and what other commands find.
import { appendFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfPresent } from '../data/files.node.ts';
import { LatentGpuError } from '../errors.ts';
import { writeFileAtomic, writeFolderFile } from '../formats/atomic.node.ts';
import type { Variable } from '../graph/variable.ts';
import {
  buildModel,
  type Family,
  formatJson,
  MODEL_FILE,
  type Model,
  type ModelConfig,
  modelJson,
  readModelJson,
  readWeights,
  WEIGHTS_FILE,
  writeWeights,
} from '../models/index.ts';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.ts';

export const CHECKPOINT_FILE = 'checkpoint.safetensors';
export const METRICS_FILE = 'metrics.jsonl';
export const RECORD_FILE = 'training.json';
export const PICTURES = {
  samples: 'samples.png',
  reconstructions: 'reconstructions.png',
  latent: 'latent.png',
} as const;

/** Files that make a folder a model's. */
const OWN = [MODEL_FILE, WEIGHTS_FILE, CHECKPOINT_FILE, RECORD_FILE];

/** Which data a model was trained on, so that they can be found and recognised again. */
export interface DataRecord {
  /** A name, or a file's absolute path. */
  readonly data: string;
  readonly dataDir?: string;
  /** A file with the test split. */
  readonly test?: string;
  /** Rows of the training split that were used, from the first. */
  readonly limit?: number;
  readonly name: string;
  readonly count: number;
  readonly shape: readonly number[];
  /** Of the values used for training. */
  readonly sha256: string;
}

/** `training.json`: how a model came about. */
export interface TrainingRecord {
  readonly format: 1;
  readonly version: string;
  readonly family: Family;
  /** Every settled key. */
  readonly config: Record<string, unknown>;
  readonly data: DataRecord;
  readonly adapter: {
    readonly name: string;
    readonly isSoftware: boolean;
    readonly subgroupSize?: number;
    readonly source: string;
  };
  readonly runtime: string;
}

export interface LoadedModel {
  readonly config: ModelConfig;
  readonly model: Model;
  readonly weights: Map<Variable, Float32Array>;
  /** Keys and tensors that this version does not know, for a remark. */
  readonly extra: string[];
  /** Present if the model was trained here. */
  readonly record: TrainingRecord | undefined;
}

async function text(path: string): Promise<string | undefined> {
  const bytes = await readIfPresent(path);
  return bytes && new TextDecoder().decode(bytes);
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * Reads a model folder: `model.json`, `weights.safetensors` and, if it is there, `training.json`.
 *
 * @throws LatentGpuError `bad-input` if it is no model folder, `bad-format`, `bad-config` or `bad-data`
 *   if a file is faulty
 */
export async function readModelFolder(folder: string): Promise<LoadedModel> {
  if (!(await isFolder(folder))) {
    throw new LatentGpuError(
      'bad-input',
      `no such folder: ${folder}; name a model folder, as \`latentgpu train\` leaves one`,
    );
  }
  const path = join(folder, MODEL_FILE);
  const description = await text(path);
  if (description === undefined) {
    throw new LatentGpuError(
      'bad-input',
      `${folder} holds no ${MODEL_FILE}; name a model folder, as \`latentgpu train\` leaves one`,
    );
  }
  const { config, extra } = readModelJson(description, path);
  const bytes = await readIfPresent(join(folder, WEIGHTS_FILE));
  if (!bytes) {
    throw new LatentGpuError(
      'bad-input',
      `${folder} holds no ${WEIGHTS_FILE} beside ${MODEL_FILE}`,
    );
  }
  const model = buildModel(config);
  const weights = readWeights(model, bytes, join(folder, WEIGHTS_FILE));
  return {
    config,
    model,
    weights: weights.values,
    extra: [
      ...extra.map((key) => `${MODEL_FILE}: ${key}`),
      ...weights.extra.map((key) => `${WEIGHTS_FILE}: ${key}`),
    ],
    record: await readRecord(folder),
  };
}

/** `training.json`, if the folder has one. @throws LatentGpuError `bad-format` */
export async function readRecord(folder: string): Promise<TrainingRecord | undefined> {
  const path = join(folder, RECORD_FILE);
  const found = await text(path);
  if (found === undefined) return undefined;
  const bad = (why: string) => new LatentGpuError('bad-format', `${path}: ${why}`);
  let record: Partial<TrainingRecord> | null;
  try {
    record = JSON.parse(found);
  } catch (cause) {
    throw bad(`not JSON (${(cause as Error).message})`);
  }
  if (record?.format !== 1) throw bad('not the record of a training run of format 1');
  if (typeof record.data?.data !== 'string' || typeof record.config !== 'object') {
    throw bad("'data' or 'config' is missing");
  }
  return record as TrainingRecord;
}

/** Where a run may write, checked before anything is written. */
export interface OutputChoice {
  readonly folder: string;
  readonly resume: boolean;
  readonly force: boolean;
}

/**
 * Makes sure that nobody's work is overwritten by accident.
 *
 * @throws LatentGpuError `bad-input` if the folder holds another model, or none to continue
 */
export async function checkOutput({ folder, resume, force }: OutputChoice): Promise<void> {
  const present: string[] = [];
  for (const name of [...OWN, METRICS_FILE, ...Object.values(PICTURES)]) {
    if (await stat(join(folder, name)).catch(() => undefined)) present.push(name);
  }
  if (resume) {
    const missing = [RECORD_FILE, CHECKPOINT_FILE].find((name) => !present.includes(name));
    if (!missing) return;
    throw new LatentGpuError(
      'bad-input',
      `there is no run to continue in ${folder} (no ${missing}); leave out --resume, or name its folder with --out`,
    );
  }
  if (present.length === 0 || force) return;
  const what = OWN.some((name) => present.includes(name)) ? 'a model' : present.join(' and ');
  throw new LatentGpuError(
    'bad-input',
    `${folder} already holds ${what}; choose another folder with --out, continue it with --resume, or overwrite it with --force`,
  );
}

/** A folder that a training run writes. */
export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Begins anew: what an earlier run left is removed. From here on the run can be continued. */
  async begin(record: TrainingRecord, checkpoint: Checkpoint): Promise<void> {
    for (const name of [...OWN, METRICS_FILE, ...Object.values(PICTURES)]) {
      await rm(join(this.path, name), { force: true });
    }
    await this.writeRecord(record);
    await this.writeCheckpoint(checkpoint);
  }

  /** Goes on: reports of steps beyond the checkpoint, which will be done again, are removed. */
  async goOn(record: TrainingRecord, step: number): Promise<void> {
    await this.writeRecord(record);
    const path = join(this.path, METRICS_FILE);
    const lines = ((await text(path)) ?? '').split('\n').filter((line) => isUpTo(line, step));
    if (lines.length > 0) await writeFileAtomic(path, `${lines.join('\n')}\n`);
    else await rm(path, { force: true });
  }

  async writeRecord(record: TrainingRecord): Promise<void> {
    await writeFolderFile(this.path, RECORD_FILE, formatJson(record));
  }

  /** @param version of the library */
  async writeModel(
    config: ModelConfig,
    values: ReadonlyMap<Variable, Float32Array>,
    version: string,
  ): Promise<void> {
    await writeFolderFile(this.path, WEIGHTS_FILE, writeWeights(values));
    await writeFolderFile(this.path, MODEL_FILE, modelJson(config, version));
  }

  async writeCheckpoint(checkpoint: Checkpoint): Promise<void> {
    await writeFolderFile(this.path, CHECKPOINT_FILE, writeCheckpoint(checkpoint));
  }

  /** @throws LatentGpuError `bad-format`, `io` */
  async readCheckpoint(): Promise<Checkpoint> {
    const path = join(this.path, CHECKPOINT_FILE);
    const bytes = await readIfPresent(path);
    if (!bytes) throw new LatentGpuError('bad-input', `no such file: ${path}`);
    return readCheckpoint(bytes, path);
  }

  /** Adds a line to `metrics.jsonl`. */
  async report(line: Readonly<Record<string, unknown>>): Promise<void> {
    await appendFile(join(this.path, METRICS_FILE), `${JSON.stringify(line)}\n`).catch(
      (cause: Error) => {
        throw new LatentGpuError('io', `cannot write ${METRICS_FILE}: ${cause.message}`);
      },
    );
  }

  async writePicture(name: string, png: Uint8Array): Promise<void> {
    await writeFolderFile(this.path, name, png);
  }
}

function isUpTo(line: string, step: number): boolean {
  if (line.trim() === '') return false;
  try {
    return JSON.parse(line).step <= step;
  } catch {
    // The last line of a run that was killed while writing it.
    return false;
  }
}
