// A kernel on a device that is open already.
import type { Device } from '../device/index.ts';
import { isLatentGpuError } from '../errors.ts';
import { compileShader, throwErrors } from './compile.ts';
import type { Diagnostic, Shader } from './diagnostics.ts';
import { runJob } from './job.ts';
import {
  type Bindings,
  type KernelRequest,
  labelOf,
  type Outputs,
  type Prepared,
  prepare,
} from './prepare.ts';

/**
 * Prepares a request; where the shader cannot be read, the compiler may know better what is wrong.
 *
 * @throws LatentGpuError as {@link prepare}
 */
export async function prepareOn(
  request: KernelRequest,
  compile: (shader: Shader) => Promise<Diagnostic[]>,
): Promise<Prepared> {
  try {
    return prepare(request);
  } catch (error) {
    if (isLatentGpuError(error, 'bad-kernel')) {
      const shader = { label: labelOf(request), code: request.code };
      throwErrors(shader, await compile(shader));
    }
    throw error;
  }
}

/**
 * Runs one dispatch of a compute shader on a device that is open already.
 *
 * @throws LatentGpuError `bad-kernel` with file, line and column; `bad-input` for bindings that do
 *   not fit; `limit-exceeded`, `validation`, `out-of-memory`, `device-lost`
 */
export async function runKernel<const B extends Bindings>(
  device: Device,
  request: KernelRequest<B>,
): Promise<Outputs<B>> {
  const { job, finish } = await prepareOn(request, (shader) =>
    compileShader(device, shader, [], {}),
  );
  return finish(await runJob(device, job)) as Outputs<B>;
}
