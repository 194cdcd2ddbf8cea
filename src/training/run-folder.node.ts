// A model folder as a training run writes it.
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Standardization } from '../data/standardize.ts';
import { LatentGpuError } from '../errors.ts';
import {
  ioError,
  removeAbandoned,
  writeFileAtomic,
  writeFolderFile,
} from '../formats/atomic.node.ts';
import { formatJson } from '../formats/json.ts';
import type { Variable } from '../graph/variable.ts';
import {
  MODEL_FILE,
  type ModelConfig,
  modelJson,
  WEIGHTS_FILE,
  type WeightValues,
  writeWeights,
} from '../models/index.ts';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import {
  type Changes,
  commitFiles,
  isCommitted,
  readCommitted,
  readCommittedText,
  settleFiles,
} from './commit.node.ts';
import type { TrainingRecord } from './record.ts';
import { CHECKPOINT_FILE, METRICS_FILE, NEXT_FOLDER, RECORD_FILE, RUN_FILES } from './run-files.ts';

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
 * any moment the folder holds the old or the new, whole. Only one process may write to it at a time, see
 * {@link holdingFolder}. What writes throws `io` where the disk or its rights do not let it.
 *
 * ```ts
 * const folder = new RunFolder('runs/vae');
 * await folder.report({ epoch: 1, loss: 103.2 });
 * const { state } = await folder.readCheckpoint();
 * ```
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

  /** Removes what a run has begun that can come to nothing, unless it has left a model. */
  async abandon(): Promise<void> {
    if (!(await isCommitted(this.path, MODEL_FILE))) await this.replace({});
  }

  /** Goes on: reports of steps beyond the checkpoint, which will be done again, are removed. */
  async goOn(record: TrainingRecord, step: number): Promise<void> {
    await settleFiles(this.path);
    await removeAbandoned(this.path);
    await this.writeRecord(record);
    const path = join(this.path, METRICS_FILE);
    const found = (await readCommittedText(this.path, METRICS_FILE)) ?? '';
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

  /** Writes `training.json`: how the run is trained, and by what it is continued. */
  async writeRecord(record: TrainingRecord): Promise<void> {
    await writeFolderFile(this.path, RECORD_FILE, formatJson(record));
  }

  /** Writes `model.json` and `weights.safetensors`, both or neither. */
  async writeModel(...model: StoredModel): Promise<void> {
    await commitFiles(this.path, modelFiles(...model));
  }

  /** Writes `checkpoint.safetensors`: parameters, moments, step, random state. */
  async writeCheckpoint(checkpoint: Checkpoint): Promise<void> {
    await commitFiles(this.path, { [CHECKPOINT_FILE]: writeCheckpoint(checkpoint) });
  }

  /**
   * Where the run was left.
   *
   * @throws LatentGpuError `bad-input` if there is none, `bad-format`, `io`
   */
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

  /** Writes a picture under a name of its own, such as `samples.png`. */
  async writePicture(name: string, png: Uint8Array): Promise<void> {
    await writeFolderFile(this.path, name, png);
  }

  /** These files of ours and no others. */
  private async replace(files: Changes): Promise<void> {
    const changes: Record<string, Changes[string]> = { ...files };
    for (const name of RUN_FILES) {
      if (!Object.hasOwn(files, name) && (await isCommitted(this.path, name))) changes[name] = null;
    }
    await commitFiles(this.path, changes);
    // Whatever was to replace what was there has been overtaken.
    await rm(join(this.path, NEXT_FOLDER), { recursive: true, force: true });
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
