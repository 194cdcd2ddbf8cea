// latentgpu export --to onnx: a file for each thing that a model can do.
import { isLatentGpuError, LatentGpuError } from '../../errors.ts';
import { writeFileAtomic } from '../../formats/atomic.node.ts';
import type { OnnxFile, OnnxPart } from '../../interchange/onnx/index.ts';
import type { Context } from '../common/command.ts';
import { loadModel } from '../common/device.ts';
import { checkPlace } from '../common/files.ts';
import { table } from '../common/text.ts';
import { version } from '../common/version.ts';

export const ONNX_PARTS: readonly OnnxPart[] = [
  'encoder',
  'decoder',
  'autoencoder',
  'density',
  'predictor',
];

/** Where each part goes. */
function paths(out: string, parts: readonly OnnxPart[]): [OnnxPart, string][] {
  const stem = out.slice(0, -'.onnx'.length);
  return parts.map((part, i) => [part, i === 0 ? out : `${stem}.${part}.onnx`]);
}

/** @param path of the first file; the others lie beside it */
export async function exportOnnx(
  dir: string,
  path: string,
  part: OnnxPart | 'all',
  { out }: Context,
): Promise<void> {
  if (!/[^/\\]\.onnx$/i.test(path)) {
    throw new LatentGpuError('bad-input', `--out ${path}: name a file that ends in .onnx`);
  }
  await checkPlace(path);
  const loaded = await loadModel(dir, out);
  // Here and not above: no other command should wait for the protocol buffers.
  const { onnxFile, onnxParts } = await import('../../interchange/onnx/index.ts');
  const wanted = part === 'all' ? onnxParts(loaded.model) : [part];
  const made: [OnnxPart, OnnxFile][] = [];
  const refusals: string[] = [];
  for (const each of wanted) {
    try {
      made.push([each, onnxFile(loaded, each, version)]);
    } catch (error) {
      // Of several parts those are written that can be.
      if (!isLatentGpuError(error) || error.code !== 'bad-input') throw error;
      refusals.push(`the ${each} of ${dir} is not exported: ${error.message}`);
    }
  }
  if (made.length === 0) {
    throw new LatentGpuError('bad-input', refusals[0] ?? `${dir} holds nothing to export`);
  }
  const targets = paths(
    path,
    made.map(([each]) => each),
  );
  for (const [, name] of targets) await checkPlace(name);
  for (const line of refusals) out.remark(line);
  const files = made.map(([which, file], i) => ({
    name: (targets[i] as [OnnxPart, string])[1],
    part: which,
    file,
  }));
  for (const { name, file } of files) await writeFileAtomic(name, file.bytes);
  out.result(
    {
      format: 'onnx',
      files: files.map(({ name, part: which, file: { bytes, inputs, outputs } }) => ({
        file: name,
        part: which,
        bytes: bytes.length,
        inputs,
        outputs,
      })),
    },
    out.quiet ? '' : table(files.map(({ name, file }) => [name, signature(file)])),
  );
}

function signature({ inputs, outputs }: OnnxFile): string {
  const values = (list: OnnxFile['inputs']) =>
    list.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ');
  return `${values(inputs)} -> ${values(outputs)}`;
}
