// Files of weights, and those that people try and that are none: what they are, and what to do.
import { LatentGpuError } from '../errors.ts';
import { readSafetensors } from '../formats/safetensors.ts';
import { isTorchFile, readTorchFile, type TorchFile } from '../formats/torch-file.ts';
import { isZip, zipEntries } from '../formats/zip.ts';
import { type Files, isIndex, readSharded } from './sharded.ts';

const SAVE = "safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')";

/** Beginnings of files as hexadecimal digits, two a byte. */
const BINARY: readonly (readonly [begins: RegExp, what: string])[] = [
  [/^80(02|03|04|05)/, `is a pickle, but not of torch.save; save the weights with ${SAVE}`],
  [
    /^504b0304/,
    `is an archive, as np.savez and Keras write, but not of torch.save; save the weights with ${SAVE}, arrays with safetensors.numpy.save_file`,
  ],
  [
    /^89484446/,
    'is an HDF5 file, as Keras writes; save its arrays with safetensors.numpy.save_file({v.path: v.numpy() for v in model.weights}, file)',
  ],
  [/^47475546/, `is a GGUF file, of quantised weights; save what it was made of, ${SAVE}`],
  [/^080.(12|3a|42)/, `is an ONNX file, a graph; save the weights that it was made of, ${SAVE}`],
  [/^1f8b/, 'is gzipped; unpack it with gunzip'],
];

const TEXT: typeof BINARY = [
  [/^version https:\/\/git-lfs/, 'is a pointer of Git LFS; fetch the file with git lfs pull'],
  [/^\s*<(!doctype|html|\?xml)/i, 'is HTML or XML, perhaps the page that was to give the file'],
];

/** @throws LatentGpuError `bad-format` for what is known to be something else */
export function refuseForeignWeights(bytes: Uint8Array, file: string): void {
  const head = bytes.subarray(0, 64);
  const digits = Array.from(head, (byte) => byte.toString(16).padStart(2, '0')).join('');
  // A length of less than 4 GiB, and JSON: whatever the length looks like.
  if (/^.{8}0{8}7b/.test(digits)) return;
  const text = new TextDecoder('latin1').decode(head);
  const found =
    BINARY.find(([begins]) => begins.test(digits)) ?? TEXT.find(([begins]) => begins.test(text));
  if (found) throw new LatentGpuError('bad-format', `${file}: ${found[1]}`);
}

/**
 * The tensors of a file of safetensors or of torch.save, or of the several that an index names.
 *
 * @param beside the files that it names, if it is one
 * @throws LatentGpuError `bad-format`
 */
export function readWeightsFile(
  bytes: Uint8Array,
  file: string,
  beside: Files = new Map(),
): TorchFile {
  if (isIndex(bytes)) return readSharded(bytes, file, beside, readOne);
  return readOne(bytes, file);
}

function readOne(bytes: Uint8Array, file: string): TorchFile {
  if (isTorchFile(bytes)) return readTorchFile(bytes, file);
  // What is cut short has no list of its files, and says so.
  if (isZip(bytes)) zipEntries(bytes, file);
  refuseForeignWeights(bytes, file);
  return readSafetensors(bytes, file);
}
