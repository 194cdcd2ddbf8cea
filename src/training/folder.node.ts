// Model folders on disk: what a training run leaves, and what other commands find.
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Standardization } from '../data/standardize.ts';
import { LatentGpuError } from '../errors.ts';
import {
  ioError,
  obstacleTo,
  removeAbandoned,
  writeFileAtomic,
  writeFolderFile,
} from '../formats/atomic.node.ts';
import { formatJson, parseJson } from '../formats/json.ts';
import { quote } from '../formats/message.ts';
import type { Variable } from '../graph/variable.ts';
import {
  type Autoencoder,
  buildModel,
  type Family,
  type FlowConfig,
  type FlowModel,
  isFlowConfig,
  type LatentConfig,
  MODEL_FILE,
  type ModelConfig,
  modelJson,
  readModelJson,
  readWeights,
  type Vae,
  WEIGHTS_FILE,
  type WeightValues,
  writeWeights,
} from '../models/index.ts';
import { checkValue } from '../models/schema.ts';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import {
  type Changes,
  commitFiles,
  isCommitted,
  readCommitted,
  settleFiles,
} from './commit.node.ts';
import { RUN_KEYS } from './config.ts';
import { checkFree } from './lock.node.ts';

export const CHECKPOINT_FILE = 'checkpoint.safetensors';
export const METRICS_FILE = 'metrics.jsonl';
export const RECORD_FILE = 'training.json';
export const REPORT_FILE = 'report.html';
export const PICTURES = {
  samples: 'samples.png',
  reconstructions: 'reconstructions.png',
  latent: 'latent.png',
  density: 'density.png',
  grid: 'grid.png',
  cooler: 'samples-cooler.png',
} as const;

/** Files that make a folder a model's. */
const OWN = [MODEL_FILE, WEIGHTS_FILE, CHECKPOINT_FILE, RECORD_FILE];

const ALL = [...OWN, METRICS_FILE, REPORT_FILE, ...Object.values(PICTURES)];

/** Which data a model was trained on, so that they can be found and recognised again. */
export interface DataRecord {
  /** A name, or the absolute path of a file or folder. */
  readonly data: string;
  readonly dataDir?: string;
  /** The test split: a name or a path, too. */
  readonly test?: string;
  /** Rows of the training split that were used, from the first. */
  readonly limit?: number;
  /** Whether the values were standardised, so that they may be of any range. */
  readonly standardize?: boolean;
  /** A table's column of classes. */
  readonly labelColumn?: string;
  readonly name: string;
  readonly count: number;
  readonly shape: readonly number[];
  /** Of the values used for training, as they were read. */
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
    /** Of a GPU. */
    readonly vendor?: string;
    readonly subgroupSize?: number;
    readonly source: string;
  };
  readonly runtime: string;
}

interface Loaded<Config, Model> {
  readonly config: Config;
  readonly model: Model;
  readonly weights: Map<Variable, Float32Array>;
  /** What belongs to the model beside its parameters. */
  readonly buffers: Map<Variable, WeightValues>;
  /** Of a model that sees standardised data: from data units to its own, and back. */
  readonly standardization: Standardization | undefined;
  /** Keys and tensors that this version does not know, for a remark. */
  readonly extra: string[];
  /** Present if the model was trained here. */
  readonly record: TrainingRecord | undefined;
}

export type LoadedLatent = Loaded<LatentConfig, Vae | Autoencoder>;
export type LoadedFlow = Loaded<FlowConfig, FlowModel>;
export type LoadedModel = LoadedLatent | LoadedFlow;

export function isFlow(loaded: LoadedModel): loaded is LoadedFlow {
  return isFlowConfig(loaded.config);
}

async function text(folder: string, name: string): Promise<string | undefined> {
  const bytes = await readCommitted(folder, name);
  return bytes && new TextDecoder().decode(bytes);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const valueAt = (object: unknown, key: string): unknown =>
  isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined;

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
  const { description, bytes } = await readTogether(folder);
  if (description === undefined) {
    throw new LatentGpuError(
      'bad-input',
      `${folder} holds no ${MODEL_FILE}; name a model folder, as \`latentgpu train\` leaves one`,
    );
  }
  const { config, extra } = readModelJson(description, join(folder, MODEL_FILE));
  if (!bytes) {
    throw new LatentGpuError(
      'bad-input',
      `${folder} holds no ${WEIGHTS_FILE} beside ${MODEL_FILE}`,
    );
  }
  const model = buildModel(config);
  const weights = readWeights(
    model,
    bytes,
    join(folder, WEIGHTS_FILE),
    config.data.standardized === true,
  );
  return {
    config,
    model,
    weights: weights.values,
    buffers: weights.buffers,
    standardization: weights.standardization,
    extra: [
      ...extra.map((key) => `${MODEL_FILE}: ${key}`),
      ...weights.extra.map((key) => `${WEIGHTS_FILE}: ${key}`),
    ],
    record: await readRecord(folder),
  } as LoadedModel;
}

/** Weights and the description that goes with them, though a run may write to the folder meanwhile. */
async function readTogether(
  folder: string,
): Promise<{ description: string | undefined; bytes: Uint8Array | undefined }> {
  let description = await text(folder, MODEL_FILE);
  for (;;) {
    const bytes = await readCommitted(folder, WEIGHTS_FILE);
    const now = await text(folder, MODEL_FILE);
    if (now === description) return { description, bytes };
    // Another model has taken its place.
    description = now;
  }
}

/** `training.json`, if the folder has one. @throws LatentGpuError `bad-format`, `bad-config` */
export async function readRecord(folder: string): Promise<TrainingRecord | undefined> {
  const found = await text(folder, RECORD_FILE);
  return found === undefined ? undefined : parseRecord(found, join(folder, RECORD_FILE));
}

/**
 * Reads the text of a `training.json`.
 *
 * @throws LatentGpuError `bad-format`, or `bad-config` for a key whose value is not allowed
 */
export function parseRecord(found: string, path: string): TrainingRecord {
  const bad = (why: string) => new LatentGpuError('bad-format', `${path}: ${why}`);
  const record = parseJson(found, path) as Partial<TrainingRecord> | null;
  if (record?.format !== 1) throw bad('not the record of a training run of format 1');
  const { data, config } = record;
  if (typeof data?.data !== 'string' || !isObject(config)) {
    throw bad("'data' or 'config' is missing");
  }
  for (const [key, known] of Object.entries(RUN_KEYS)) {
    const value = key.split('.').reduce(valueAt, config as unknown);
    if (value !== undefined) checkValue(key, known, { value, source: path });
  }
  const isText = (value: unknown) => value === undefined || typeof value === 'string';
  const wrong = (['dataDir', 'test', 'labelColumn', 'sha256', 'name'] as const).find(
    (key) => !isText(data[key]),
  );
  if (wrong) throw bad(`data.${wrong} is ${quote(JSON.stringify(data[wrong]))}; it must be a text`);
  const { limit } = data;
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
    throw bad(`data.limit is ${quote(JSON.stringify(limit))}; it must be a whole number above 0`);
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
 * @throws LatentGpuError `bad-input` if the folder holds another model, or none to continue, or if
 *   another process writes to it
 */
export async function checkOutput({ folder, resume, force }: OutputChoice): Promise<void> {
  const why = await obstacleTo(folder);
  if (why) {
    throw new LatentGpuError(
      'bad-input',
      `cannot write to ${folder || "''"}: ${why}; choose another folder with --out`,
    );
  }
  await checkFree(folder);
  const present: string[] = [];
  for (const name of ALL) if (await isCommitted(folder, name)) present.push(name);
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

/** The two files that make a model. @param version of the library */
function modelFiles(
  config: ModelConfig,
  values: ReadonlyMap<Variable, Float32Array>,
  version: string,
  /** Of a model whose `data.standardized` is true. */
  standardization?: Standardization,
  buffers?: ReadonlyMap<Variable, WeightValues>,
): Changes {
  return {
    [WEIGHTS_FILE]: writeWeights(values, standardization, buffers),
    [MODEL_FILE]: modelJson(config, version),
  };
}

type StoredModel = Parameters<typeof modelFiles>;

/**
 * A folder that a training run writes. What belongs together is changed all at once: after a kill at
 * any moment the folder holds the old or the new, whole. Only one process may write to it at a time.
 */
export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Begins anew: what an earlier run left is removed. From here on the run can be continued. */
  async begin(record: TrainingRecord, checkpoint: Checkpoint): Promise<void> {
    await this.replace({
      [RECORD_FILE]: formatJson(record),
      [CHECKPOINT_FILE]: writeCheckpoint(checkpoint),
    });
  }

  /** Goes on: reports of steps beyond the checkpoint, which will be done again, are removed. */
  async goOn(record: TrainingRecord, step: number): Promise<void> {
    await settleFiles(this.path);
    await removeAbandoned(this.path);
    await this.writeRecord(record);
    const path = join(this.path, METRICS_FILE);
    const found = (await text(this.path, METRICS_FILE)) ?? '';
    const lines = found.split('\n').filter((line) => isUpTo(line, step));
    if (lines.length > 0) await writeFileAtomic(path, `${lines.join('\n')}\n`);
    else await rm(path, { force: true });
  }

  /** Puts a model that was not trained here in the place of whatever is there. */
  async writeImported(...model: StoredModel): Promise<void> {
    await this.replace(modelFiles(...model));
  }

  /** The state of a run and the model that it stands for. */
  async save(checkpoint: Checkpoint, ...model: StoredModel): Promise<void> {
    await commitFiles(this.path, {
      [CHECKPOINT_FILE]: writeCheckpoint(checkpoint),
      ...modelFiles(...model),
    });
  }

  async writeRecord(record: TrainingRecord): Promise<void> {
    await writeFolderFile(this.path, RECORD_FILE, formatJson(record));
  }

  async writeModel(...model: StoredModel): Promise<void> {
    await commitFiles(this.path, modelFiles(...model));
  }

  async writeCheckpoint(checkpoint: Checkpoint): Promise<void> {
    await commitFiles(this.path, { [CHECKPOINT_FILE]: writeCheckpoint(checkpoint) });
  }

  /** @throws LatentGpuError `bad-format`, `io` */
  async readCheckpoint(): Promise<Checkpoint> {
    const path = join(this.path, CHECKPOINT_FILE);
    const bytes = await readCommitted(this.path, CHECKPOINT_FILE);
    if (!bytes) throw new LatentGpuError('bad-input', `no such file: ${path}`);
    return readCheckpoint(bytes, path);
  }

  /** Adds a line to `metrics.jsonl`. */
  async report(line: Readonly<Record<string, unknown>>): Promise<void> {
    const path = join(this.path, METRICS_FILE);
    try {
      const file = await open(path, 'a');
      try {
        await file.writeFile(`${JSON.stringify(line)}\n`);
        // On the disk before the checkpoint that follows it.
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (cause) {
      throw ioError(`cannot write ${path}`, cause);
    }
  }

  async writePicture(name: string, png: Uint8Array): Promise<void> {
    await writeFolderFile(this.path, name, png);
  }

  /** These files of ours and no others. */
  private async replace(files: Changes): Promise<void> {
    const changes: Record<string, Changes[string]> = { ...files };
    for (const name of ALL) {
      if (!Object.hasOwn(files, name) && (await isCommitted(this.path, name))) changes[name] = null;
    }
    await commitFiles(this.path, changes);
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
