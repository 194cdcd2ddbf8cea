// latentgpu export --to torch: a program that trains the model in PyTorch.
import { isLatentGpuError, LatentGpuError } from '../../errors.ts';
import { writeFileAtomic } from '../../formats/atomic.node.ts';
import { quoted } from '../../report/recipe.ts';
import type { Context } from '../common/command.ts';
import { loadModel } from '../common/device.ts';
import { checkPlace } from '../common/files.ts';
import { thousands } from '../common/text.ts';
import { version } from '../common/version.ts';

export async function exportTorch(dir: string, path: string, { out }: Context): Promise<void> {
  if (!/[^/\\]\.py$/i.test(path)) {
    throw new LatentGpuError('bad-input', `--out ${path}: name a file that ends in .py`);
  }
  await checkPlace(path);
  const { config, model, buffers, record } = await loadModel(dir, out);
  // Here and not above: no other command should wait for it.
  const { torchFile } = await import('../../interchange/torch/index.ts');
  const training = record?.config;
  const made = (() => {
    try {
      return torchFile({ config, model, buffers, ...(training && { training }) }, version);
    } catch (error) {
      if (!isLatentGpuError(error)) throw error;
      throw new LatentGpuError(error.code, `the loss of ${dir} is not exported: ${error.message}`);
    }
  })();
  await writeFileAtomic(path, new TextEncoder().encode(made.text));
  const { tensors, notes } = made;
  for (const note of notes) out.remark(note);
  const parameters = model.parameterCount();
  out.result(
    { format: 'torch', file: path, tensors, parameters, notes },
    `${path}: ${thousands(parameters)} parameters in ${tensors.length} tensors; torchrun --nproc_per_node 2 ${quoted(path)} --help`,
  );
}
