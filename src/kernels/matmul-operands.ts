// How the kernels of products read their operands.
import type { MatmulOperand } from './matmul-problem.ts';
import {
  libMatmulAColumnFloats,
  libMatmulARowFloats,
  libMatmulARowQuads,
  libMatmulAWindow,
  libMatmulBColumnFloats,
  libMatmulBColumnQuads,
  libMatmulBHalves,
  libMatmulBRowFloats,
  libMatmulBRowQuads,
  libMatmulBWindow,
  libMatmulTiledAFloats,
  libMatmulTiledAQuads,
  libMatmulTiledAWindow,
  libMatmulTiledBFloats,
  libMatmulTiledBQuads,
  libMatmulTiledBWindow,
  libMatmulTiledColumns,
  libMatmulTiledRows,
} from './shaders.gen.ts';

/** What hooks of products import. */
export const OPERAND_SHADERS = [
  libMatmulAColumnFloats,
  libMatmulARowFloats,
  libMatmulARowQuads,
  libMatmulAWindow,
  libMatmulBColumnFloats,
  libMatmulBColumnQuads,
  libMatmulBHalves,
  libMatmulBRowFloats,
  libMatmulBRowQuads,
  libMatmulBWindow,
  libMatmulTiledAFloats,
  libMatmulTiledAQuads,
  libMatmulTiledAWindow,
  libMatmulTiledBFloats,
  libMatmulTiledBQuads,
  libMatmulTiledBWindow,
  libMatmulTiledColumns,
  libMatmulTiledRows,
];

/** How a kernel reads an operand: as quads where its rows allow, else float by float. */
export function operandAccess(
  name: 'a' | 'b',
  operand: MatmulOperand,
  shader: 'matmul' | 'matmul_subgroup' | 'matmul_tiled',
): string {
  const { transposed, windowed } = operand;
  const width = windowed ? 'window' : inQuads(operand) ? 'quads' : 'floats';
  if (shader === 'matmul_tiled') {
    // A transposed A is stored as an ordinary B is.
    const along = transposed === (name === 'a') ? 'columns' : 'rows';
    return `// @import lib/matmul_tiled_${name}_${width}\n// @import lib/matmul_tiled_${along} as ${name}`;
  }
  if (windowed) return `// @import lib/matmul_${name}_window`;
  // Four terms of a transposed A lie in four places: reading quads would fetch other rows as well.
  const order = transposed ? 'column' : 'row';
  const scattered = name === 'a' && transposed;
  return `// @import lib/matmul_${name}_${order}_${scattered ? 'floats' : width}`;
}

/** Whether every row of an operand starts at a multiple of four floats. */
export function inQuads({ ld, offset, batchStride, size }: MatmulOperand): boolean {
  return [ld, offset, batchStride, size].every((count) => count % 4 === 0);
}
