// `--set components=1..10`: every size in a range is fitted, and the one of the lowest BIC is trained.
import { type ErrorCode, isLatentGpuError, LatentGpuError } from '../../errors.ts';
import { type Criteria, criteriaOf } from '../../models/index.ts';
import { fit, rowSourceOf, Trainer } from '../../training/index.ts';
import type { Context } from '../common/command.ts';
import { commandDevice } from '../common/device.ts';
import { prepare } from './prepare.ts';
import type { Range } from './range.ts';
import type { RunRequest } from './request.ts';

export interface Candidate extends Criteria {
  readonly value: number;
}

export interface Selection {
  readonly key: string;
  /** Of the lowest BIC. */
  readonly best: number;
  /** Those that could be fitted. */
  readonly candidates: readonly Candidate[];
}

/** What a size may fail of, while others do not. */
const OF_ITS_SIZE: readonly ErrorCode[] = ['bad-data', 'bad-config', 'not-finite'];

/** Fits every size of a range. @throws LatentGpuError what the last one failed of, if all did */
export async function select(
  request: RunRequest,
  { key, from, to }: Range,
  context: Context,
): Promise<Selection> {
  const { out } = context;
  const candidates: Candidate[] = [];
  let failure: unknown;
  for (let value = from; value <= to; value++) {
    try {
      const found = await measured(withValue(request, key, value), context);
      candidates.push({ ...found, value });
      const { logLikelihood, bic } = found;
      out.say(`${key} ${value}  log-likelihood ${logLikelihood.toFixed(3)}  BIC ${bic.toFixed(3)}`);
    } catch (error) {
      if (!OF_ITS_SIZE.some((code) => isLatentGpuError(error, code))) throw error;
      failure = error;
      out.say(`${key} ${value}  cannot be fitted: ${(error as Error).message}`);
    }
  }
  const [first] = candidates;
  if (!first) throw failure;
  const { value: best } = candidates.reduce((a, b) => (b.bic < a.bic ? b : a), first);
  out.say(`${key}=${best} has the lowest BIC`);
  return { key, best, candidates };
}

/** A request with one key more. */
export function withValue(request: RunRequest, key: string, value: number): RunRequest {
  const source = new Map([[key, { value, source: '--set' }]]);
  return { ...request, sources: [...request.sources, source] };
}

async function measured(request: RunRequest, context: Context): Promise<Criteria> {
  const { trainer: options, model, data, total, binarization } = await prepare(request, context);
  const trainer = await Trainer.create(options, commandDevice);
  try {
    const { reason } = await fit(trainer, { steps: total, signal: context.signal });
    if (reason === 'interrupted') {
      throw new LatentGpuError(
        'interrupted',
        'the selection was stopped; nothing has been written',
      );
    }
    const { train } = data;
    const rows = rowSourceOf(train, binarization, 0);
    return (await trainer.protect((runtime) =>
      criteriaOf(runtime, model, rows, train.count),
    )) as Criteria;
  } finally {
    trainer.destroy();
  }
}
