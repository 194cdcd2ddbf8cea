// What training tools put into the names of a state_dict and beside its tensors: taken off, so that names
// are those of the net.
import { LatentGpuError } from '../errors.ts';
import { quote } from '../formats/message.ts';
import type { SafetensorsFile, StoredTensor } from '../formats/safetensors.ts';

/** A tensor of a foreign file, and what was done to it. */
export interface ForeignTensor extends StoredTensor {
  /** Its name in the file. */
  readonly from: string;
  readonly how: readonly string[];
  /** Whether it is another's, under a second name; perhaps transposed, which no file tells. */
  readonly isTied?: boolean;
}

/** torch.compile, DataParallel and AveragedModel, FSDP, activation checkpoints, Lightning's strategies. */
const WRAPPERS = [
  '_orig_mod',
  'module',
  '_fsdp_wrapped_module',
  '_checkpoint_wrapped_module',
  '_forward_module',
];

/** A name as the net itself has it: without wrappers, wherever they stand. */
export const plainName = (name: string): string =>
  name
    .split('.')
    .filter((part) => !WRAPPERS.includes(part))
    .join('.');

/** A module as a program names it: `model.encoder[0]` where a state_dict has `encoder.0`. */
export const inPython = (path: string): string =>
  path.replace(/\.(\d+)(?=\.|$)/g, '[$1]').replace(/\.$/, '');

/** Counters of training: steps averaged, batches seen. */
const COUNTER =
  /(^|\.)(n_averaged|num_batches_tracked|num_updates|initted|step|global_step|epoch)$/;

/**
 * The tensors of a file by their plain names: tied ones under each of their names, counters left out.
 *
 * @throws LatentGpuError `bad-format` for names that are the same without their wrappers
 */
export function unwrap(
  { tensors, metadata }: SafetensorsFile,
  file: string,
): { tensors: Map<string, ForeignTensor>; counters: string[] } {
  const found = new Map<string, ForeignTensor>();
  const counters: string[] = [];
  const put = (name: string, tensor: ForeignTensor) => {
    const plain = plainName(name);
    const before = found.get(plain);
    if (before && before.from !== tensor.from) {
      throw new LatentGpuError(
        'bad-format',
        `${file}: ${quote(before.from)} and ${quote(name)} are one name without what torch.compile and DataParallel add; save only one of the two nets`,
      );
    }
    found.set(plain, tensor);
  };
  for (const [name, tensor] of tensors) {
    const isScalar = tensor.shape.length === 0 || tensor.shape.join() === '1';
    if (isScalar && COUNTER.test(name)) counters.push(name);
    else put(name, { ...tensor, from: name, how: [] });
  }
  // safetensors' save_model stores tensors that share memory once.
  for (const [name, kept] of Object.entries(metadata)) {
    const tensor = tensors.get(kept);
    if (!tensor || tensors.has(name)) continue;
    put(name, { ...tensor, from: name, how: [`tied to ${kept}`], isTied: true });
  }
  return { tensors: found, counters };
}
