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
): Pick<DataChoice, 'takesWords' | 'wordsRemedy' | 'bothRemedy'> {
  const namesOf = (is: (family: Family) => boolean | undefined) =>
    families()
      .filter(is)
      .map((family) => family.name)
      .join(', ');
  const both = namesOf((family) => family.takesWords && family.takesMissing);
  const bothRemedy = `, or train a family that takes words and missing values: ${both}`;
  if (takesWords) return { takesWords, bothRemedy };
  const names = namesOf((family) => family.takesWords);
  if (!table?.categorical) {
    return { wordsRemedy: `, or train a family that takes words: ${names}`, bothRemedy };
  }
  throw new LatentGpuError(
    'bad-config',
    `--categorical ${table.categorical.join(' ')}: ${name} takes numbers alone; leave it out, or train one that takes words: ${names}`,
  );
}
