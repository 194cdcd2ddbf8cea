// What a model is told beside how many: which cluster, how warm, of which class.
import { bad } from '../open.ts';
import type { Abilities, CodesOptions, DecodeOptions } from '../painter.ts';

const isHeat = (t: number) => Number.isFinite(t) && t >= 0;

/** @throws LatentGpuError `bad-input` */
export function checkDraws(
  { cluster = 0, temperature = 1, temperatures }: CodesOptions,
  { clusters = 0, layers = [] }: Abilities,
): void {
  if (cluster !== 0 && !(Number.isInteger(cluster) && cluster > 0 && cluster < clusters)) {
    throw bad(`cluster is ${cluster}; the model has ${clusters}, from 0`);
  }
  if (!isHeat(temperature)) throw bad(`temperature is ${temperature}; it must be at least 0`);
  if (temperatures && !(temperatures.length === layers.length && temperatures.every(isHeat))) {
    throw bad(`temperatures are ${temperatures}; they must be ${layers.length} of at least 0`);
  }
}

/**
 * The class of each row, by number.
 *
 * @param isInTurn every class in turn where none is named
 * @throws LatentGpuError `bad-input`
 */
export function labelsOf(
  count: number,
  { label }: DecodeOptions,
  { classes = [] }: Abilities,
  isInTurn: boolean,
): Float32Array {
  const names = classes.join(', ');
  if (label === undefined && classes.length && !isInTurn) {
    throw bad(`codes say nothing of classes; name a label: ${names}`);
  }
  const isEach = typeof label === 'object';
  if (isEach && label.length !== count) {
    throw bad(`${label.length} labels are no class for each of ${count} rows`);
  }
  return Float32Array.from({ length: count }, (_, i) => {
    const own = isEach ? label[i]! : (label ?? i % classes.length);
    const at = typeof own === 'string' ? classes.indexOf(own) : own;
    if (classes.length && !(at in classes))
      throw bad(`there is no class ${own}; there are ${names}`);
    return at;
  });
}
