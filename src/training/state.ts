// The variables of a training run, brought to the host and back.
import { LatentGpuError } from '../errors.ts';
import type { Variable } from '../graph/variable.ts';
import type { TunedTable } from '../kernels/tuned.ts';
import type { Runtime } from '../scheduler/index.ts';

/** Everything a run needs to go on bit for bit. */
export interface TrainerState {
  readonly step: number;
  readonly tensors: ReadonlyMap<string, Float32Array | Uint32Array>;
  /**
   * The measured choices of kernels that the run was compiled with, if there were any: other kernels
   * round differently.
   */
  readonly tuned?: TunedTable;
}

export type StateVariables = Readonly<Record<string, Variable>>;

export async function readState(
  runtime: Runtime,
  variables: StateVariables,
  step: number,
): Promise<TrainerState> {
  const entries = Object.entries(variables).map(
    async ([name, held]) => [name, await runtime.read(held)] as const,
  );
  return { step, tensors: new Map(await Promise.all(entries)) };
}

/** @throws LatentGpuError `bad-format`, before anything is written, if the state belongs to another run */
export function writeState(
  runtime: Runtime,
  variables: StateVariables,
  { tensors }: TrainerState,
): void {
  const stray = [...tensors.keys()].find(
    (name) => name.startsWith('optimizer.') && !Object.hasOwn(variables, name),
  );
  if (stray) {
    throw new LatentGpuError(
      'bad-format',
      `the checkpoint has '${stray}', which this run's optimizer does not keep; resume with the one it was made with`,
    );
  }
  const held = Object.entries(variables).map(([name, variable]) => {
    const values = tensors.get(name);
    if (values?.length === variable.size) return { variable, values };
    throw new LatentGpuError(
      'bad-format',
      `the checkpoint's '${name}' has ${values?.length ?? 'no'} values and this run needs ${variable.size}; ` +
        'resume with the model and optimizer it was made with',
    );
  });
  for (const { variable, values } of held) runtime.write(variable, values);
}
