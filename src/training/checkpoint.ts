// A training run's state as a file: what it takes to go on bit for bit.
import { LatentGpuError } from '../errors.ts';
import { isObject } from '../formats/json.ts';
import { quote } from '../formats/message.ts';
import { readSafetensors, type WritableTensor, writeSafetensors } from '../formats/safetensors.ts';
import type { TunedTable } from '../kernels/tuned.ts';
import type { Module } from '../nn/index.ts';
import type { TrainerState } from './state.ts';

/** The parameters that did best on the evaluation data so far. */
export interface Best {
  /** On the evaluation data, in nats: what training lowers. */
  readonly loss: number;
  readonly step: number;
  /** Evaluations since then. */
  readonly stale: number;
  readonly parameters: Float32Array;
}

export interface Checkpoint {
  readonly state: TrainerState;
  readonly best?: Best | undefined;
  /** Of the model: its parameters lie end to end in `state`, and do not tell. */
  readonly layout?: string;
}

/**
 * Names and shapes of a model's parameters, by which a checkpoint knows its own.
 *
 * @example const isOwn = layoutOf(model) === readCheckpoint(bytes).layout;
 */
export function layoutOf(model: Pick<Module, 'namedParameters'>): string {
  return model
    .namedParameters()
    .map(([name, { shape }]) => `${name}[${shape}]`)
    .join(' ');
}

const KIND = 'latentgpu checkpoint 1';
const BEST = 'best.parameters';

/**
 * Random numbers and the order of the data are functions of the seed and the step among these.
 *
 * ```ts
 * const state = await trainer.currentState();
 * const bytes = writeCheckpoint({ state, layout: layoutOf(model) });
 * ```
 */
export function writeCheckpoint({ state, best, layout }: Checkpoint): Uint8Array {
  const tensors: [string, WritableTensor][] = [...state.tensors].map(([name, data]) => [
    name,
    { shape: [data.length], data },
  ]);
  const metadata: Record<string, string> = { kind: KIND, step: String(state.step) };
  if (layout !== undefined) metadata.layout = layout;
  if (state.tuned) metadata.tuned = JSON.stringify(state.tuned);
  if (best) {
    const { parameters, ...rest } = best;
    tensors.push([BEST, { shape: [parameters.length], data: parameters }]);
    metadata.best = JSON.stringify(rest);
  }
  return writeSafetensors(tensors, metadata);
}

/**
 * What a checkpoint holds: parameters, moments, the step, the order of rows.
 *
 * ```ts
 * const state = { step: 3, tensors: new Map([['parameters', Float32Array.of(1)]]) };
 * readCheckpoint(writeCheckpoint({ state })).state.step // 3
 * ```
 *
 * @throws LatentGpuError `bad-format` if the file is no checkpoint, or not whole; `bad-data` if its
 *   parameters are not finite
 */
export function readCheckpoint(bytes: Uint8Array, name = 'checkpoint'): Checkpoint {
  const { tensors, metadata } = readSafetensors(bytes, name);
  const bad = (why: string) =>
    new LatentGpuError('bad-format', `${name}: ${why}; it cannot be continued`);
  if (metadata.kind !== KIND) throw bad('not a checkpoint of this version of latentgpu');
  const step = Number(metadata.step);
  if (!(/^\d+$/.test(metadata.step ?? '') && Number.isSafeInteger(step))) {
    throw bad(`its step is ${quote(String(metadata.step))}`);
  }
  const held = new Map<string, Float32Array | Uint32Array>();
  for (const [tensor, { data }] of tensors) {
    if (!(data instanceof Float32Array || data instanceof Uint32Array)) {
      throw bad(`tensor '${tensor}' is neither float32 nor uint32`);
    }
    held.set(tensor, data);
  }
  const counted = held.get('step');
  if (counted?.length === 1 && counted[0] !== step) {
    throw bad(`its step is ${step} by its header and ${counted[0]} by its tensor`);
  }
  for (const path of ['parameters', BEST]) {
    const at = held.get(path)?.findIndex((value) => !Number.isFinite(value)) ?? -1;
    if (at < 0) continue;
    const value = held.get(path)?.[at];
    throw new LatentGpuError(
      'bad-data',
      `${name}: tensor '${path}' holds ${value} at element ${at}`,
    );
  }
  const parameters = held.get(BEST);
  held.delete(BEST);
  const { best: described, layout } = metadata;
  const tuned = metadata.tuned === undefined ? undefined : readTuned(metadata.tuned, bad);
  const state = { step, tensors: held, ...(tuned && { tuned }) };
  const rest = { state, ...(layout !== undefined && { layout }) };
  if (described === undefined) return { ...rest, best: undefined };
  if (!(parameters instanceof Float32Array)) throw bad(`it lacks '${BEST}'`);
  return { ...rest, best: { ...readBest(described, bad), parameters } };
}

function readTuned(text: string, bad: (why: string) => LatentGpuError): TunedTable {
  let table: unknown;
  try {
    table = JSON.parse(text);
  } catch {
    throw bad('what it says of the kernels is not JSON');
  }
  const isTable =
    isObject(table) && Object.values(table).every((variant) => typeof variant === 'string');
  if (!isTable) throw bad('what it says of the kernels is no table of variants');
  return table as TunedTable;
}

function readBest(text: string, bad: (why: string) => LatentGpuError): Omit<Best, 'parameters'> {
  let best: Partial<Best & { negativeElbo: number }> | null = null;
  try {
    best = JSON.parse(text);
  } catch {
    throw bad('what it says of the best parameters is not JSON');
  }
  // Version 0.1.0 called it so, whatever the model.
  const { negativeElbo, loss = negativeElbo, step, stale } = best ?? {};
  if (![loss, step, stale].every(Number.isFinite)) {
    throw bad('what it says of the best parameters is not whole');
  }
  return { loss: Number(loss), step: Number(step), stale: Number(stale) };
}
