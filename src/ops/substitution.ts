// How columns are solved for by substitution, many rows at a time.
import type { Shader } from '../kernels/specialize.ts';

/** What the shaders that solve for columns have in common. */
interface Columns {
  readonly constants: Readonly<Record<'N' | 'BLOCK' | 'LANES' | 'WORKGROUP', number>>;
  readonly workgroups: number;
  readonly hooks: Readonly<Partial<Record<'cells' | 'meet', string | Shader>>>;
  /** Of a substitution's loops. */
  readonly turns: number;
}

/**
 * Four columns an invocation on software adapters; on GPUs lanes take the rows in turns.
 *
 * Rows are solved many at a time, so that what is left is read seldom; few where there are few.
 *
 * @param matrices [n, n], each of which has its columns solved for
 * @param quads the library that reads and writes four columns at once, where n is a multiple of four
 */
export function byColumns(
  matrices: number,
  n: number,
  quads: Shader,
  isSoftware: boolean,
): Columns {
  const BLOCK = n < 64 ? 4 : 16;
  const blocks = 2 ** Math.ceil(Math.log2(Math.max(1, n / BLOCK)));
  const [LANES, WORKGROUP] = isSoftware ? [1, 4] : [Math.min(64, blocks), 64];
  return {
    constants: { N: n, BLOCK, LANES, WORKGROUP },
    workgroups: Math.ceil((matrices * Math.ceil(n / 4) * LANES) / WORKGROUP),
    // A block: its rows are read, solved and written, and taken off what is left.
    turns: (n / BLOCK) * (BLOCK ** 2 / 2 + 4 * BLOCK + n / LANES / 2),
    hooks: {
      ...(n % 4 === 0 && { cells: quads }),
      // Who has four columns to himself waits for nobody.
      ...(isSoftware && { meet: 'fn meet() {}' }),
    },
  };
}
