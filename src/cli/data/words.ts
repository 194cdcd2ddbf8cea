// Columns of words: which families take them.
import { LatentGpuError } from '../../errors.ts';
import type { TableChoice } from '../../formats/csv.ts';
import { type Family, families } from '../../models/index.ts';
import type { DataChoice } from './choice.ts';

/**
 * How columns of words are read for a family.
 *
 * @throws LatentGpuError `bad-config` for columns that were called categorical, of a family that takes numbers alone
 */
export function wordsChoice(
  { name, takesWords }: Family,
  table: TableChoice | undefined,
): Pick<DataChoice, 'takesWords' | 'wordsRemedy'> {
  if (takesWords) return { takesWords };
  const others = families().filter((family) => family.takesWords);
  const names = others.map((family) => family.name).join(', ');
  if (!table?.categorical) return { wordsRemedy: `, or train a family that takes words: ${names}` };
  throw new LatentGpuError(
    'bad-config',
    `--categorical ${table.categorical.join(' ')}: ${name} takes numbers alone; leave it out, or train one that takes words: ${names}`,
  );
}
