// The kernel of a product, and of what is done to each element of its result.
import { termsOf, type WindowProduct, windowsOf } from '../../graph/products.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { isHalf } from '../../graph/variable.ts';
import { chooseMatmul, matmulCandidates, matmulClass } from '../../kernels/matmul.ts';
import type { MatmulOperand, MatmulProblem } from '../../kernels/matmul-problem.ts';
import { specialize } from '../../kernels/specialize.ts';
import { accessIn } from '../fuse/group.ts';
import { locate } from '../fuse/location.ts';
import { memoryElements } from '../fuse/traffic.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { operandOf } from '../lower/operand.ts';
import type { KernelBinding } from '../place/kernel-binding.ts';
import { Emitter } from './emitter.ts';
import type { Footprint } from './footprint.ts';
import { affineText } from './index-space.ts';
import { importLines, indent, libraryConstants, type Made, plain } from './kernel-parts.ts';
import { Scope } from './scope.ts';
import { storeLines } from './stores.ts';

export function matmulKernel(footprint: Footprint, adapter: AdapterClass): Made {
  const { group, dependencies } = footprint;
  const product = footprint.order.find((node) => node.op.kind === 'matmul') as Tensor;
  const { shape } = product;
  const rank = shape.length;
  const batch = shape.slice(0, -2);
  const [m, n] = shape.slice(-2) as [number, number];
  const windows = windowsOf(product);
  const operands = product.inputs.map((input, side) => {
    if (windows?.side === side) return imagesOf(footprint, input, product);
    const access = accessIn(input, input.shape);
    const operand = operandOf(access, batch, side === 1);
    if (!operand) throw new Error(`${input} cannot be read by a product`);
    const { memory, offset } = locate(access, dependencies);
    const described: MatmulOperand = {
      ...operand,
      offset,
      size: memoryElements(memory),
      isHalf: isHalf(memory),
    };
    return { memory, described };
  }) as [
    { memory: Tensor; described: MatmulOperand },
    { memory: Tensor; described: MatmulOperand },
  ];
  const problem: MatmulProblem = {
    batch: sizeOf(batch),
    m,
    n,
    k: termsOf(product),
    a: operands[0].described,
    b: operands[1].described,
    sumA: group.columnSum !== undefined,
  };
  const choice = chooseMatmul(problem, adapter);
  const axes = batch.map((_, axis) => axis);
  const emitter = new Emitter(
    footprint,
    [
      { extents: batch, axes, counter: 'batch', prefix: 'b' },
      { extents: [m], axes: [rank - 2], counter: 'row', prefix: 'r' },
      { extents: [n], axes: [rank - 1], counter: 'index', prefix: 'c' },
    ],
    operands.length,
  );
  const scope = new Scope();
  scope.set(`n${product.id}`, 'value');
  const stores = storeLines(emitter, scope, 'full', () => true);
  const body = [
    'let column = col;',
    'let quad = col / 4u;',
    ...emitter.space.unravel(0),
    ...scope.lines,
    ...stores,
  ];
  const sums = columnSumStores(emitter);
  const code = specialize(choice.shader, {
    constants: { ...choice.constants, ...libraryConstants(emitter, adapter) },
    imports: [...choice.imports, ...emitter.imports],
    hooks: {
      ...choice.hooks,
      bindings: [...importLines(emitter), emitter.bindings.declarations].join('\n'),
      epilogue: `fn epilogue(batch: u32, row: u32, col: u32, value: vec4f) {\n${indent(body)}\n}`,
      ...(sums.length > 0 && {
        sum_epilogue: `fn sum_epilogue(batch: u32, row: u32, value: vec4f) {\n${indent(sums)}\n}`,
      }),
    },
  });
  const bindings: KernelBinding[] = [
    ...operands.map(({ memory }) => ({ memory, kind: 'read' as const, offset: 0 })),
    ...plain(emitter.bindings),
  ];
  return {
    shader: choice.shader.name,
    variant: choice.variant,
    choice: {
      key: matmulClass(problem),
      variant: choice.variant,
      variants: matmulCandidates(problem, adapter),
    },
    code,
    bindings,
    dispatch: choice.dispatch,
  };
}

/** Images as the operand whose rows are their windows; products in batches go on from place to place. */
function imagesOf(footprint: Footprint, input: Tensor, product: Tensor) {
  const memory = footprint.memoryOf(accessIn(input, input.shape));
  const { side, terms, ...windowed } = windowsOf(product) as WindowProduct;
  const [m, n] = product.shape.slice(-2) as [number, number];
  const [ld, places] = side === 0 ? [terms, m] : [n, terms];
  const size = memoryElements(memory);
  const lies = { transposed: false, ld, offset: 0, batchStride: ld * places, size };
  return { memory, described: { ...lies, windowed } };
}

/** The sums of a product's left operand, four rows of it at a time. */
function columnSumStores({ footprint, bindings }: Emitter): string[] {
  const write = footprint.writes.find((w) => w.node === footprint.group.columnSum);
  if (!write) return [];
  const { name, start } = bindings.of(write.location.memory);
  const rows = write.node.size;
  const offset = write.location.offset - start;
  return [0, 1, 2, 3].map((lane) => {
    const at = affineText([{ name: lane === 0 ? 'row' : `(row + ${lane}u)`, stride: 1 }], offset);
    const statement = `${name}[${at}] = value.${'xyzw'[lane]};`;
    return lane === 0 ? statement : `if (row + ${lane}u < ${rows}u) { ${statement} }`;
  });
}
