// The body of a kernel: the WGSL that computes a group's nodes for one quad of its domain, as calls
// to the functions in shaders/lib.
import { LatentGpuError } from '../errors.ts';
import { contiguousStrides, sameShape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { isHalf, PART_ALIGNMENT } from '../graph/variable.ts';
import { type Access, accessOf, isPacked } from './access.ts';
import { isUniformRead, memoryElements, type Read, trafficOf, type Write } from './bindings.ts';
import type { Dependencies } from './dependencies.ts';
import { targetOf } from './effects.ts';
import { accessIn, type Group, type Level, readShape } from './group.ts';
import { affineText, type IndexSpace, rowIndexText } from './index-space.ts';
import { alignStrides, type Location, locate } from './location.ts';
import { isVirtual } from './lower.ts';

/** How a kernel sees one memory. */
export interface Binding {
  readonly memory: Tensor;
  readonly name: string;
  readonly kind: 'uniform' | 'read' | 'write';
  /** Whether it is declared as quads (vec4) or as single elements. */
  readonly quads: boolean;
  /** The element at which it starts: nothing before it is touched. */
  readonly start: number;
  /** Elements visible to the kernel. */
  readonly elements: number;
}

const splat = (type: 'f32' | 'u32', text: string) => `vec4${type === 'u32' ? 'u' : 'f'}(${text})`;

/** A float32 or u32 literal. */
export function literal(value: number, dtype: string): string {
  if (dtype === 'u32') return `${value >>> 0}u`;
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) {
    throw new LatentGpuError(
      'not-finite',
      `the constant ${value} is not a finite float32; use a finite sentinel such as -1e38`,
    );
  }
  return `${rounded}f`;
}

/** Whether one element is read, whichever element of the domain is computed. */
const isFixed = ({ memory, strides }: Location): boolean =>
  !isPacked(memory) && strides.every((stride) => stride === 0);

/** The values already named in a block of WGSL, and the lines that name them. */
export class Scope {
  readonly lines: string[];
  private readonly names = new Map<string, string>();
  private readonly parents: readonly Scope[];

  constructor(parents: Scope | readonly Scope[] = [], lines: string[] = []) {
    this.parents = parents instanceof Scope ? [parents] : parents;
    this.lines = lines;
  }

  /** A scope whose lines are part of this one's, and whose names are its own. */
  beside(...more: Scope[]): Scope {
    return new Scope([this, ...more], this.lines);
  }

  find(key: string): string | undefined {
    const own = this.names.get(key);
    if (own) return own;
    for (const parent of this.parents) {
      const known = parent.find(key);
      if (known) return known;
    }
    return undefined;
  }

  set(key: string, name: string): void {
    this.names.set(key, name);
  }
}

export class Emitter {
  readonly group: Group;
  readonly dependencies: Dependencies;
  readonly imports = new Set<string>();
  readonly bindings: Binding[] = [];
  readonly order: Tensor[];
  private readonly reads: Map<string, Read>;
  private readonly writes: Write[];
  private readonly aliases: ReadonlyMap<Tensor, Tensor>;
  private space: IndexSpace | undefined;
  private firstBinding = 0;
  private counter = 0;
  /** The quad that is computed: its number along the quad axis, and its first element. */
  private quad = 'quad';
  private column = 'column';

  /** @param whole the group of which it is a link */
  constructor(
    group: Group,
    dependencies: Dependencies,
    aliases: ReadonlyMap<Tensor, Tensor>,
    whole = group,
  ) {
    this.group = group;
    this.dependencies = dependencies;
    this.aliases = aliases;
    this.order = dependencies.nodes.filter((node) => group.levels.has(node));
    const traffic = trafficOf(group, dependencies, whole);
    this.reads = new Map(traffic.reads.map((r) => [`${r.node.id}:${r.input}`, r]));
    this.writes = traffic.writes;
  }

  /** Strides over the domain of everything the kernel reads, writes or numbers by quads. */
  domainStrides(): number[][] {
    const result: number[][] = [contiguousStrides(this.group.shape)];
    for (const read of this.reads.values()) {
      if (read.node.op.kind !== 'matmul' && this.readsByQuad(read.node)) {
        result.push(this.fullStrides(read));
      }
    }
    for (const write of this.writes) {
      if (this.isByQuad(write.node)) {
        result.push(alignStrides(write.location.strides, this.group.shape));
      }
    }
    for (const node of this.order) {
      if (!this.readsByQuad(node)) continue;
      if (node.op.kind === 'noise') result.push(noiseStrides(this.group.shape));
      for (const input of node.inputs) {
        const access = accessIn(input, readShape(node, input, this.group));
        if (access.base.op.kind === 'iota')
          result.push(alignStrides(access.strides, this.group.shape));
      }
    }
    return result;
  }

  /** Emits for one fixed quad instead of the one that the kernel's loop is at. */
  atQuad<T>(quad: number, emit: () => T): T {
    const before = [this.quad, this.column] as const;
    [this.quad, this.column] = [`${quad}u`, `${4 * quad}u`];
    try {
      return emit();
    } finally {
      [this.quad, this.column] = before;
    }
  }

  /** What values of a level read from memory that is the same for all rows of a block. */
  steadyReads(level: 'full' | 'row'): Read[] {
    return [...this.reads.values()].filter(
      (read) =>
        this.group.levels.get(read.node) === level &&
        read.node.op.kind === 'elementwise' &&
        this.isSteady(level === 'full' ? this.fullStrides(read) : this.rowStridesOf(read)),
    );
  }

  private isSteady(strides: readonly number[] | undefined): boolean {
    return strides !== undefined && this.group.over.every((axis) => strides[axis] === 0);
  }

  /** Strides of a row's value over the axes of rows, where its shape is theirs. */
  private rowStridesOf({ node, location }: Read): readonly number[] | undefined {
    const rows = this.group.shape.slice(0, node.rank);
    return sameShape(node.shape, rows) ? location.strides : undefined;
  }

  private isByQuad(node: Tensor): boolean {
    const level = this.group.levels.get(node);
    return level === 'full' || level === 'side';
  }

  private readsByQuad(node: Tensor): boolean {
    if (this.isByQuad(node)) return true;
    if (node.op.kind !== 'reduce') return false;
    // A fold of rows' values takes them one by one.
    const base = (accessOf(node.inputs[0] as Tensor) as Access).base;
    return this.group.levels.get(node) === 'row' || this.group.levels.get(base) !== 'row';
  }

  /** The place of one of the quad's four elements along the quad axis. */
  private lane(lane: number): string {
    return lane === 0 ? this.column : `(${this.column} + ${lane}u)`;
  }

  /** The WGSL that counts the values of a level. */
  private counterOf(level: Level | undefined): string {
    if (this.group.over.length > 0 && level === 'row') return 'item';
    return 'row';
  }

  /** Strides of a read over the domain; a gathered table's row is chosen at run time. */
  private fullStrides(read: Read): number[] {
    const { strides } = read.location;
    if (read.node.op.kind === 'gather') {
      return read.input === 0 ? [0, strides[1] as number] : [strides[0] as number, 0];
    }
    return alignStrides(strides, this.group.shape);
  }

  /** Chooses how each memory is declared, now that the index arithmetic is known. */
  bind(space: IndexSpace, firstBinding: number): string {
    this.space = space;
    this.firstBinding = firstBinding;
    const written = new Set(this.writes.map((w) => this.alias(w.location.memory)));
    const uniforms = new Set<Tensor>();
    const storage = new Map<Tensor, boolean>();
    const note = (memory: Tensor, quads: boolean) =>
      storage.set(memory, (storage.get(memory) ?? true) && quads);
    for (const read of this.reads.values()) {
      if (read.node.op.kind === 'matmul') continue;
      const memory = this.alias(read.location.memory);
      if (isUniformRead(read, written)) uniforms.add(memory);
      else note(memory, this.isQuadRead(read));
    }
    for (const write of this.writes) {
      const byQuad = this.isByQuad(write.node) && this.isQuadWrite(write);
      note(this.alias(write.location.memory), byQuad);
    }
    for (const memory of uniforms) {
      if (storage.has(memory)) continue;
      this.bindings.push(this.binding(memory, 'uniform', true));
    }
    for (const [memory, quads] of storage) {
      this.bindings.push(this.binding(memory, written.has(memory) ? 'write' : 'read', quads));
    }
    return this.bindings
      .map((b, i) => `@group(0) @binding(${firstBinding + i}) ${declaration(b)}`)
      .join('\n');
  }

  private binding(memory: Tensor, kind: Binding['kind'], quads: boolean): Binding {
    const span = kind === 'uniform' ? wholeSpan(memory) : this.span(memory);
    return { memory, name: `m${this.firstBinding + this.bindings.length}`, kind, quads, ...span };
  }

  /**
   * The part of a memory that the kernel touches, from a place where a binding may start: kernels
   * that do the same to different parts are then the same text, and compiled once.
   */
  private span(memory: Tensor): { start: number; elements: number } {
    const touched = [
      ...[...this.reads.values()].map(({ node, input, location }) => ({
        location,
        shape: readShape(node, node.inputs[input] as Tensor, this.group),
        // Rows chosen at run time; the words of a seed.
        isFree: node.op.kind === 'noise' || (node.op.kind === 'gather' && input === 0),
      })),
      ...this.writes.map(({ node, location }) => ({
        location,
        shape: node.shape,
        isFree: node.op.kind === 'store',
      })),
    ].filter(({ location }) => this.alias(location.memory) === memory);
    if (isPacked(memory) || touched.some(({ isFree }) => isFree)) return wholeSpan(memory);
    const first = Math.min(...touched.map(({ location }) => location.offset));
    const last = Math.max(
      ...touched.map(({ location, shape }) => {
        const strides = alignStrides(location.strides, shape);
        return shape.reduce((at, n, i) => at + (n - 1) * (strides[i] as number), location.offset);
      }),
    );
    const start = Math.floor(first / PART_ALIGNMENT) * PART_ALIGNMENT;
    return { start, elements: Math.min(memoryElements(memory), last + 1) - start };
  }

  private alias(memory: Tensor): Tensor {
    let at = memory;
    for (let next = this.aliases.get(at); next; next = this.aliases.get(at)) at = next;
    return at;
  }

  /** The memory in which an input lies whole, from its start. */
  memoryOf(access: Access): Tensor {
    const { memory, offset } = locate(access, this.dependencies);
    if (offset !== 0) throw new Error(`${access.base} does not start its memory`);
    return this.alias(memory);
  }

  private bindingOf(memory: Tensor): Binding {
    const root = this.alias(memory);
    return this.bindings.find((b) => b.memory === root) as Binding;
  }

  private isQuadRead(read: Read): boolean {
    const isTable = read.node.op.kind === 'gather' && read.input === 0;
    if (isFixed(read.location) && !isTable) return true;
    if (!this.readsByQuad(read.node)) return false;
    const space = this.space as IndexSpace;
    const { terms, last } = space.affine(this.fullStrides(read));
    const row = isTable ? this.tableStride(read) : 0;
    return (
      last === 1 &&
      read.location.offset % 4 === 0 &&
      row % 4 === 0 &&
      terms.every(({ stride }) => stride % 4 === 0)
    );
  }

  private tableStride(read: Read): number {
    return read.location.strides[0] as number;
  }

  private isQuadWrite({ location }: Write): boolean {
    const space = this.space as IndexSpace;
    const { terms, last } = space.affine(alignStrides(location.strides, this.group.shape));
    const aligned =
      last === 1 && location.offset % 4 === 0 && terms.every(({ stride }) => stride % 4 === 0);
    if (space.width % 4 === 0) return aligned;
    // The last quad sticks out: harmless where the memory is this value's own, and padded.
    const { memory } = location;
    const own = memory.op.kind !== 'concat' && !('parent' in memory && memory.parent);
    return aligned && own && space.isOneLine && memory.size === space.width;
  }

  name(scope: Scope, text: string): string {
    const name = `v${this.counter++}`;
    scope.lines.push(`let ${name} = ${text};`);
    return name;
  }

  /** The value of a node of the group, computed in `scope` unless it is already known there. */
  value(node: Tensor, scope: Scope): string {
    const key = `n${node.id}`;
    const known = scope.find(key);
    if (known) return known;
    const name = this.compute(node, scope);
    scope.set(key, name);
    return name;
  }

  private compute(node: Tensor, scope: Scope): string {
    switch (node.op.kind) {
      case 'assign':
        return this.operand(node, 0, scope);
      case 'elementwise': {
        const values = node.inputs.map((_, i) => this.operand(node, i, scope));
        if (node.op.name === 'copy') return values[0] as string;
        const { fn, module } = node.op.snippet as { fn: string; module: string };
        this.imports.add(module);
        return this.name(scope, `${fn}(${values.join(', ')})`);
      }
      case 'noise':
        return this.noise(node, scope);
      case 'gather':
        return this.gather(node, scope);
      default:
        throw new Error(`${node} is not computed by quads`);
    }
  }

  /** Philox numbers quads, counted row by row of the noise tensor. */
  private noise(node: Tensor, scope: Scope): string {
    const { fn, module } = node.op.snippet as { fn: string; module: string };
    this.imports.add('lib/philox').add(module);
    const { terms } = (this.space as IndexSpace).affine(noiseStrides(this.group.shape));
    const at = affineText(terms, 0, 4);
    const seed = this.reads.get(`${node.id}:0`) as Read;
    const words = [0, 1].map((i) => this.element(seed.location, i));
    const step = this.operand(node, 1, scope);
    const quad = terms.length > 0 ? `${at} + ${this.quad}` : this.quad;
    const stream = node.attrs.stream as number;
    return this.name(
      scope,
      `${fn}(philox(vec4u(${quad}, ${stream}u, ${step}.x, 0u), vec2u(${words.join(', ')})))`,
    );
  }

  /** One fixed element of a small memory. */
  private element(location: Location, at: number): string {
    const binding = this.bindingOf(location.memory);
    const index = location.offset - binding.start + at;
    if (binding.kind === 'uniform') return `${binding.name}.${'xyzw'[index]}`;
    return binding.quads
      ? `${binding.name}[${index >> 2}u].${'xyzw'[index & 3]}`
      : `${binding.name}[${index}u]`;
  }

  private gather(node: Tensor, scope: Scope): string {
    const table = this.reads.get(`${node.id}:0`) as Read;
    const row = this.name(scope, `${this.operand(node, 1, scope)}.x`);
    const { last } = (this.space as IndexSpace).affine(this.fullStrides(table));
    const terms = [{ name: row, stride: this.tableStride(table) }];
    return this.name(scope, this.loadText(table.location, terms, last));
  }

  /** The value of one input of a node, as a quad. */
  operand(node: Tensor, input: number, scope: Scope): string {
    const tensor = node.inputs[input] as Tensor;
    const base = accessOf(tensor)?.base as Tensor;
    if (base.op.kind === 'constant') {
      return splat(base.dtype as 'f32', literal(base.attrs.value as number, base.dtype));
    }
    if (this.group.levels.has(base)) return this.value(base, scope);
    const byQuad = this.readsByQuad(node);
    if (isVirtual(base)) return this.iota(node, tensor, byQuad, scope);
    const read = this.reads.get(`${node.id}:${input}`) as Read;
    const { location } = read;
    const place =
      this.group.levels.get(node) === 'one'
        ? 'one'
        : byQuad
          ? `f${this.fullStrides(read).join()}`
          : `r${node.shape.join()}|${location.strides.join()}`;
    const key = `${location.memory.id}@${location.offset}:${place}`;
    const known = scope.find(key);
    if (known) return known;
    const name = this.name(scope, byQuad ? this.loadFull(read) : this.loadRow(read));
    scope.set(key, name);
    return name;
  }

  private iota(node: Tensor, tensor: Tensor, byQuad: boolean, scope: Scope): string {
    const access = accessIn(tensor, readShape(node, tensor, this.group));
    if (!byQuad) {
      return this.name(
        scope,
        `vec4u(${rowIndexText(access.shape, access.strides, access.offset, this.counterOf(this.group.levels.get(node)))})`,
      );
    }
    const strides = alignStrides(access.strides, this.group.shape);
    const { terms, last } = (this.space as IndexSpace).affine(strides);
    const lanes = last === 0 ? '' : ` + (vec4u(${this.column}) + vec4u(0u, 1u, 2u, 3u)) * ${last}u`;
    return this.name(scope, `vec4u(${affineText(terms, access.offset)})${lanes}`);
  }

  private loadFull(read: Read): string {
    const { terms, last } = (this.space as IndexSpace).affine(this.fullStrides(read));
    return this.loadText(read.location, terms, last);
  }

  private loadRow(read: Read): string {
    const { node, location } = read;
    const binding = this.bindingOf(location.memory);
    const type = location.memory.dtype as 'f32' | 'u32';
    if (isFixed(location)) return splat(type, this.element(location, 0));
    const offset = location.offset - binding.start;
    let { shape } = node;
    let { strides } = location;
    let counter = this.counterOf(this.group.levels.get(node));
    if (counter === 'item' && this.isSteady(this.rowStridesOf(read))) {
      // Rows of one block read the same: its own number finds it.
      const isOuter = (_: unknown, axis: number) => !this.group.over.includes(axis);
      [shape, strides, counter] = [shape.filter(isOuter), strides.filter(isOuter), 'row'];
    }
    const at = rowIndexText(shape, strides, offset, counter);
    return splat(type, this.elementAt(binding, at));
  }

  /** The number at an index into a memory that is not bound as quads. */
  private elementAt({ memory, name }: Binding, at: string): string {
    if (memory.dtype === 'u8') {
      return `f32(extractBits(${name}[(${at}) / 4u], 8u * ((${at}) % 4u), 8u)) / 255.0`;
    }
    if (!isHalf(memory)) return `${name}[${at}]`;
    this.imports.add('lib/halves');
    return `half_of(${name}[(${at}) / 2u], ${at})`;
  }

  private quadAt({ memory, name }: Binding, at: string): string {
    if (memory.dtype === 'u8') return `unpack4x8unorm(${name}[${at}])`;
    if (!isHalf(memory)) return `${name}[${at}]`;
    this.imports.add('lib/halves');
    return `halves4(${name}[${at}])`;
  }

  private loadText(
    location: Location,
    terms: readonly { name: string; stride: number }[],
    last: number,
  ): string {
    const binding = this.bindingOf(location.memory);
    const { memory } = location;
    const offset = location.offset - binding.start;
    const type = memory.dtype === 'u32' ? 'u32' : 'f32';
    if (last === 0 && terms.length === 0 && !isPacked(memory)) {
      return splat(type, this.element(location, 0));
    }
    if (binding.quads) {
      const at = affineText([...terms, { name: this.quad, stride: 4 }], offset, 4);
      return this.quadAt(binding, at);
    }
    const one = (lane: number) => {
      const own = last === 0 ? terms : [...terms, { name: this.lane(lane), stride: last }];
      return this.elementAt(binding, affineText(own, offset));
    };
    if (last === 0) return splat(type, one(0));
    return splat(type, [0, 1, 2, 3].map(one).join(', '));
  }

  /** Statements that leave the values of one level in memory. */
  stores(scope: Scope, level: Level, only: (node: Tensor) => boolean): string[] {
    const lines: string[] = [];
    for (const { node, location } of this.writes) {
      if (this.group.levels.get(node) !== level || node === this.group.columnSum || !only(node))
        continue;
      if (node.op.kind === 'store') {
        const value = this.operand(node, 0, scope);
        const at = this.operand(node, 1, scope);
        const size = (targetOf(node) as Tensor).size;
        lines.push(`${this.bindingOf(location.memory).name}[${at}.x % ${size}u] = ${value}.x;`);
        continue;
      }
      const value = this.value(node, scope);
      lines.push(
        ...(this.isByQuad(node)
          ? this.storeFull(location, value)
          : this.storeRow(node, location, value)),
      );
    }
    return lines;
  }

  private storeFull(location: Location, value: string): string[] {
    const space = this.space as IndexSpace;
    const { name, quads, start } = this.bindingOf(location.memory);
    const offset = location.offset - start;
    const { terms, last } = space.affine(alignStrides(location.strides, this.group.shape));
    if (quads) {
      const at = affineText([...terms, { name: this.quad, stride: 4 }], offset, 4);
      return [`${name}[${at}] = ${value};`];
    }
    return [0, 1, 2, 3].flatMap((lane) => {
      if (lane >= space.width) return [];
      const at = affineText([...terms, { name: this.lane(lane), stride: last }], offset);
      const statement = `${name}[${at}] = ${value}.${'xyzw'[lane]};`;
      const always = lane === 0 || space.width % 4 === 0;
      return [always ? statement : `if (${this.lane(lane)} < ${space.width}u) { ${statement} }`];
    });
  }

  private storeRow(node: Tensor, location: Location, value: string): string[] {
    const { name, start } = this.bindingOf(location.memory);
    // A row that is folded in parts leaves one value a part.
    const counter = this.group.splits > 1 ? 'part' : this.counterOf(this.group.levels.get(node));
    const at = rowIndexText(node.shape, location.strides, location.offset - start, counter);
    return [`${name}[${at}] = ${value}.x;`];
  }

  /** The sums of a product's left operand, four rows of it at a time. */
  columnSumStores(): string[] {
    const write = this.writes.find((w) => w.node === this.group.columnSum);
    if (!write) return [];
    const { name, start } = this.bindingOf(write.location.memory);
    const rows = write.node.size;
    const offset = write.location.offset - start;
    return [0, 1, 2, 3].map((lane) => {
      const at = affineText([{ name: lane === 0 ? 'row' : `(row + ${lane}u)`, stride: 1 }], offset);
      const statement = `${name}[${at}] = value.${'xyzw'[lane]};`;
      return lane === 0 ? statement : `if (row + ${lane}u < ${rows}u) { ${statement} }`;
    });
  }
}

/** Strides that count quads: each line of a noise tensor starts a new one. */
function noiseStrides(shape: readonly number[]): number[] {
  const line = shape.findLastIndex((extent) => extent !== 1);
  return contiguousStrides(shape.map((e, axis) => (axis === line ? Math.ceil(e / 4) * 4 : e)));
}

const wholeSpan = (memory: Tensor) => ({ start: 0, elements: memoryElements(memory) });

function declaration({ name, kind, memory, quads, elements }: Binding): string {
  const scalar = memory.dtype === 'f32' ? 'f32' : 'u32';
  const words = quads ? 'vec2u' : 'u32';
  if (kind === 'uniform') return `var<uniform> ${name}: vec4<${scalar}>;`;
  const access = kind === 'read' ? 'read' : 'read_write';
  const type =
    memory.dtype === 'u8'
      ? `array<u32, ${Math.ceil(elements / 4)}>`
      : isHalf(memory)
        ? `array<${words}, ${Math.ceil(elements / (quads ? 4 : 2))}>`
        : quads
          ? `array<vec4<${scalar}>, ${Math.ceil(elements / 4)}>`
          : `array<${scalar}, ${elements}>`;
  return `var<storage, ${access}> ${name}: ${type};`;
}
