// The kernel of products that follow each other: what enters the first strip of rows, how weights are
// read, and what follows each product.
import type { Tensor } from '../../graph/tensor.ts';
import { isHalf } from '../../graph/variable.ts';
import { layersSubgroup, libHalves, type Shader } from '../../kernels/shaders.gen.ts';
import { specialize } from '../../kernels/specialize.ts';
import type { Dependencies } from '../fuse/dependencies.ts';
import { accessIn } from '../fuse/group.ts';
import { chainOf, layersOf, productOf } from '../fuse/layers.ts';
import { chooseLayers, type LayersChoice } from '../fuse/layers-choice.ts';
import { locate } from '../fuse/location.ts';
import { memoryElements } from '../fuse/traffic.ts';
import { accessOf } from '../lower/access.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { type Operand, operandOf } from '../lower/operand.ts';
import type { KernelBinding } from '../place/kernel-binding.ts';
import { Emitter } from './emitter.ts';
import type { Footprint } from './footprint.ts';
import { affineText, rowIndexText } from './index-space.ts';
import { grid, importLines, indent, libraryConstants, type Made, plain } from './kernel-parts.ts';
import { Scope } from './scope.ts';
import { storeLines } from './stores.ts';

const quadsOf = (width: number) => Math.ceil(width / 4);

/** Lanes of a quad past the end of a row become zeros. */
function padded(value: string, width: number): string {
  if (width % 4 === 0) return value;
  return `select(vec4f(0.0), ${value}, vec4u(col) + vec4u(0u, 1u, 2u, 3u) < vec4u(${width}u))`;
}

class Composer {
  readonly bindings: KernelBinding[] = [];
  readonly imports = new Set<Shader>();
  readonly lines: string[] = [];
  private readonly dependencies: Dependencies;

  constructor(dependencies: Dependencies) {
    this.dependencies = dependencies;
  }

  /** A matrix that products read, as quads or as single floats. */
  matrix(name: string, memory: Tensor, quads: boolean): void {
    const size = memoryElements(memory);
    const quad = isHalf(memory) ? 'vec2u' : 'vec4f';
    const type = quads ? `array<${quad}, ${quadsOf(size)}>` : `array<f32, ${size}>`;
    const at = `@group(0) @binding(${this.bindings.length})`;
    this.lines.push(`${at} var<storage, read> ${name}: ${type};`);
    this.bindings.push({ memory, kind: 'read', offset: 0 });
  }

  /**
   * A function that does to a quad of a row what a link does to it, and returns what the next one
   * takes.
   *
   * @param passed the node whose value that is; the last link passes nothing on
   */
  link(name: string, footprint: Footprint, passed: Tensor | undefined): void {
    const { shape } = footprint.group;
    const rank = shape.length;
    const lead = shape.slice(0, -1);
    const emitter = new Emitter(
      footprint,
      [
        { extents: lead, axes: lead.map((_, axis) => axis), counter: 'row', prefix: 'r' },
        { extents: shape.slice(-1), axes: [rank - 1], counter: 'index', prefix: 'c' },
      ],
      this.bindings.length,
    );
    this.lines.push(emitter.bindings.declarations);
    this.bindings.push(...plain(emitter.bindings));
    const scope = new Scope();
    const product = emitter.order.find((node) => node.op.kind === 'matmul');
    if (product) scope.set(`n${product.id}`, 'value');
    const value = passed && emitter.value(passed, scope);
    const stores = storeLines(emitter, scope, 'full', () => true);
    for (const module of emitter.imports) this.imports.add(module);
    const body = [
      'let column = col;',
      'let quad = col / 4u;',
      ...emitter.space.unravel(0),
      ...scope.lines,
      ...(stores.length > 0 ? ['if (stores) {', ...stores.map((line) => `  ${line}`), '}'] : []),
      ...(value ? [`return ${padded(value, shape.at(-1) as number)};`] : []),
    ];
    const result = value ? ' -> vec4f' : '';
    this.lines.push(
      `fn ${name}(row: u32, col: u32, value: vec4f, stores: bool)${result} {\n${indent(body)}\n}`,
    );
  }

  /** X₀ where it lies in memory, as a function of row and column. */
  readFirst(left: Tensor): void {
    const access = accessIn(left, left.shape);
    const { memory, offset, strides } = locate(access, this.dependencies);
    const lead = left.shape.slice(0, -1);
    const step = strides.at(-1) as number;
    const width = left.shape.at(-1) as number;
    const steps = strides.slice(0, -1);
    const quads =
      (step === 1 || width === 1) && [offset, ...steps].every((stride) => stride % 4 === 0);
    this.matrix('x', memory, quads);
    const row = rowIndexText(lead, steps, offset, 'row');
    const one = (lane: number) => `x[${row} + (col + ${lane}u) * ${step}u]`;
    const value = quads ? `x[(${row} + col) / 4u]` : `vec4f(${[0, 1, 2, 3].map(one).join(', ')})`;
    this.lines.push(
      `fn initial(row: u32, col: u32, value: vec4f, stores: bool) -> vec4f {\n  return ${padded(value, width)};\n}`,
    );
  }

  /** How a layer reads its weights: columns col … col+3, four terms of the sum at a time. */
  weights(l: number, product: Tensor): void {
    const right = product.inputs[1] as Tensor;
    const access = accessIn(right, right.shape);
    const { transposed, ld } = operandOf(access, product.shape.slice(0, -2), true) as Operand;
    const { memory, offset } = locate(access, this.dependencies);
    const k = right.shape.at(-2) as number;
    const quads = [ld, offset, memoryElements(memory)].every((count) => count % 4 === 0);
    const name = `weights_${l}`;
    this.matrix(name, memory, quads);
    const unit = quads ? 4 : 1;
    const [alongColumn, alongTerm] = transposed ? [ld, 1] : [1, ld];
    const place = affineText([{ name: 'col', stride: alongColumn }], offset);
    if (isHalf(memory)) this.imports.add(libHalves);
    const quad = (at: string) => (isHalf(memory) ? `halves4(${name}[${at}])` : `${name}[${at}]`);
    const read = (at: string) =>
      quads ? quad(at) : `vec4f(${[0, 1, 2, 3].map((i) => `${name}[${at} + ${i}u]`)})`;
    const lanes = 'vec4u(k) + vec4u(0u, 1u, 2u, 3u)';
    const vector = (q: number) => {
      const value = read(q === 0 ? 'at' : `at + ${(q * ld) / unit}u`);
      if (k % 4 === 0) return value;
      // Terms past the end of the sum are zero.
      const within = transposed ? `${lanes} < vec4u(${k}u)` : `k + ${q}u < ${k}u`;
      return `select(vec4f(0.0), ${value}, ${within})`;
    };
    const block = `mat4x4f(${[0, 1, 2, 3].map(vector).join(', ')})`;
    this.lines.push(
      `fn weight_start_${l}(col: u32) -> u32 { return (${place}) / ${unit}u; }`,
      `fn weight_block_${l}(start: u32, k4: u32) -> mat4x4f {`,
      '  let k = 4u * k4;',
      `  let at = start + k4 * ${(4 * alongTerm) / unit}u;`,
      `  return ${transposed ? `transpose(${block})` : block};`,
      '}',
    );
  }
}

export function layersKernel(footprint: Footprint, adapter: AdapterClass): Made {
  const { group, dependencies } = footprint;
  const { entry, layers } = layersOf(group.chain);
  const chain = chainOf(layers);
  const { m, widths } = chain;
  const choice = chooseLayers(chain, adapter) as LayersChoice;
  const { rows, parts, strips } = choice;
  const composer = new Composer(dependencies);
  const { lines } = composer;
  const products = layers.map((link) => productOf(link) as Tensor);
  const leftOf = (l: number) => products[l]?.inputs[0] as Tensor;
  const baseOf = (x: Tensor) => accessOf(x)?.base as Tensor;
  const first = leftOf(0);
  if (entry) composer.link('initial', footprint.link(entry), baseOf(first));
  else composer.readFirst(first);
  const space = choice.shader === layersSubgroup ? 'private' : 'workgroup';
  strips.forEach((quads, i) => {
    lines.push(`var<${space}> strip_${i}: array<vec4f, ${quads}>;`);
  });
  lines.push(
    'fn enter(slot: u32, row: u32, col: u32, part: u32) {',
    `  strip_0[slot] = initial(row, col, vec4f(), row < M && part == 0u);`,
    '}',
  );
  layers.forEach((link, l) => {
    const next = l + 1 < layers.length;
    const [k, n] = [widths[l] as number, widths[l + 1] as number].map(quadsOf) as [number, number];
    composer.weights(l, products[l] as Tensor);
    composer.link(`finish_${l}`, footprint.link(link), next ? baseOf(leftOf(l + 1)) : undefined);
    const share = Math.ceil(n / (next ? 1 : parts));
    const range = next
      ? `vec2u(0u, ${n}u)`
      : `vec2u(part * ${share}u, min(${n}u, part * ${share}u + ${share}u))`;
    const leave = next
      ? `strip_${(l + 1) % 2}[place * ${n}u + col / 4u] = finish_${l}(row, col, value, row < M && part == 0u);`
      : `if (row < M) { finish_${l}(row, col, value, true); }`;
    lines.push(
      `const K_QUADS_${l}: u32 = ${k}u;`,
      `fn take_${l}(at: u32) -> vec4f { return strip_${l % 2}[at]; }`,
      `fn quad_range_${l}(part: u32) -> vec2u { return ${range}; }`,
      `fn leave_${l}(place: u32, row: u32, col: u32, part: u32, value: vec4f) {\n  ${leave}\n}`,
    );
  });
  const { dispatch, gridX } = grid(Math.ceil(m / rows) * parts);
  const code = specialize(choice.shader, {
    imports: composer.imports,
    constants: {
      ...libraryConstants(composer, adapter),
      ...choice.constants,
      M: m,
      ROWS: rows,
      PARTS: parts,
      LAYERS: layers.length,
      GRID_X: gridX,
    },
    hooks: {
      tiles: choice.tiles.join('\n'),
      layers: [...importLines(composer), ...lines].join('\n'),
    },
  });
  const split = parts > 1 ? `, ${parts} parts` : '';
  const variant = `${widths.join('-')}, ${rows} rows${split}`;
  return { shader: choice.shader.name, variant, code, bindings: composer.bindings, dispatch };
}
