// The body of a kernel: the WGSL that computes a group's nodes for one quad of its domain, as calls
// to the functions in shaders/lib.
import type { Snippet, Tensor } from '../../graph/tensor.ts';
import { libGathered, libPhilox, type Shader } from '../../kernels/shaders.gen.ts';
import { accessIn, type Group, type Level, readShape } from '../fuse/group.ts';
import type { Location } from '../fuse/location.ts';
import type { Read } from '../fuse/traffic.ts';
import { accessOf, isPacked, isVirtual } from '../lower/access.ts';
import { Bindings, isFixed } from './bindings.ts';
import { type Footprint, noiseStrides, tableStride } from './footprint.ts';
import { affineText, IndexSpace, rowIndexText, type Segment } from './index-space.ts';
import { elementAt, fixedElement, quadAt } from './memory-text.ts';
import { literal, type Scope, splat } from './scope.ts';

export class Emitter {
  readonly footprint: Footprint;
  readonly group: Group;
  readonly space: IndexSpace;
  readonly bindings: Bindings;
  /** The libraries that the emitted lines call. */
  readonly imports = new Set<Shader>();
  private counter = 0;
  /** The quad that is computed: its number along the quad axis, and its first element. */
  quad = 'quad';
  private column = 'column';

  /**
   * @param segments how the kernel counts the axes of its domain
   * @param firstBinding the number of its first binding, after those of a product's operands
   */
  constructor(footprint: Footprint, segments: readonly Segment[], firstBinding = 0) {
    this.footprint = footprint;
    this.group = footprint.group;
    this.space = new IndexSpace(segments, footprint.domainStrides());
    this.bindings = new Bindings(footprint, this.space, firstBinding);
  }

  /** The nodes of the group in the order in which they are computed. */
  get order(): readonly Tensor[] {
    return this.footprint.order;
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

  /** The place of one of the quad's four elements along the quad axis. */
  lane(lane: number): string {
    return lane === 0 ? this.column : `(${this.column} + ${lane}u)`;
  }

  /** The WGSL that counts the values of a level. */
  counterOf(level: Level | undefined): string {
    if (this.group.over.length > 0 && level === 'row') return 'item';
    return 'row';
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
        const { fn, module } = node.op.snippet as Snippet;
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
    const { fn, module } = node.op.snippet as Snippet;
    this.imports.add(libPhilox).add(module);
    const { terms } = this.space.affine(noiseStrides(this.group.shape));
    const at = affineText(terms, 0, 4);
    const seed = this.footprint.readOf(node, 0);
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
    const binding = this.bindings.of(location.memory);
    return fixedElement(binding, location.offset - binding.start + at);
  }

  private gather(node: Tensor, scope: Scope): string {
    const table = this.footprint.readOf(node, 0);
    const row = this.name(scope, `${this.operand(node, 1, scope)}.x`);
    const { last } = this.space.affine(this.footprint.fullStrides(table));
    const terms = [{ name: row, stride: tableStride(table) }];
    const loaded = this.loadText(table.location, terms, last);
    const fn = node.dtype === 'u32' ? 'gathered_u4' : 'gathered4';
    this.imports.add(libGathered);
    const rows = (node.inputs[0] as Tensor).shape[0];
    return this.name(scope, `${fn}(${loaded}, ${row}, ${rows}u)`);
  }

  /** The value of one input of a node, as a quad. */
  operand(node: Tensor, input: number, scope: Scope): string {
    const tensor = node.inputs[input] as Tensor;
    const base = accessOf(tensor)?.base as Tensor;
    if (base.op.kind === 'constant') {
      return splat(base.dtype as 'f32', literal(base.attrs.value as number, base.dtype));
    }
    if (this.group.levels.has(base)) return this.value(base, scope);
    const byQuad = this.footprint.readsByQuad(node);
    if (isVirtual(base)) return this.iota(node, tensor, byQuad, scope);
    const read = this.footprint.readOf(node, input);
    const { location } = read;
    const place =
      this.group.levels.get(node) === 'one'
        ? 'one'
        : byQuad
          ? `f${this.footprint.fullStrides(read).join()}`
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
    const strides = this.footprint.countedStrides(node, access.strides);
    const { terms, last } = this.space.affine(strides);
    const lanes = last === 0 ? '' : ` + (vec4u(${this.column}) + vec4u(0u, 1u, 2u, 3u)) * ${last}u`;
    return this.name(scope, `vec4u(${affineText(terms, access.offset)})${lanes}`);
  }

  private loadFull(read: Read): string {
    const { terms, last } = this.space.affine(this.footprint.fullStrides(read));
    return this.loadText(read.location, terms, last);
  }

  private loadRow(read: Read): string {
    const { node, location } = read;
    const binding = this.bindings.of(location.memory);
    const type = location.memory.dtype as 'f32' | 'u32';
    if (isFixed(location)) return splat(type, this.element(location, 0));
    const offset = location.offset - binding.start;
    let { shape } = node;
    let { strides } = location;
    let counter = this.counterOf(this.group.levels.get(node));
    if (counter === 'item' && this.footprint.isSteady(this.footprint.rowStridesOf(read))) {
      // Rows of one block read the same: its own number finds it.
      const isOuter = (_: unknown, axis: number) => !this.group.over.includes(axis);
      [shape, strides, counter] = [shape.filter(isOuter), strides.filter(isOuter), 'row'];
    }
    const at = rowIndexText(shape, strides, offset, counter);
    return splat(type, elementAt(binding, at, this.imports));
  }

  private loadText(
    location: Location,
    terms: readonly { name: string; stride: number }[],
    last: number,
  ): string {
    const binding = this.bindings.of(location.memory);
    const { memory } = location;
    const offset = location.offset - binding.start;
    const type = memory.dtype === 'u32' ? 'u32' : 'f32';
    if (last === 0 && terms.length === 0 && !isPacked(memory)) {
      return splat(type, this.element(location, 0));
    }
    if (binding.quads) {
      const at = affineText([...terms, { name: this.quad, stride: 4 }], offset, 4);
      return quadAt(binding, at, this.imports);
    }
    const one = (lane: number) => {
      const own = last === 0 ? terms : [...terms, { name: this.lane(lane), stride: last }];
      return elementAt(binding, affineText(own, offset), this.imports);
    };
    if (last === 0) return splat(type, one(0));
    return splat(type, [0, 1, 2, 3].map(one).join(', '));
  }
}
