// The kernel of a map: every element of the domain for itself.
import { map } from '../../kernels/shaders.gen.ts';
import { specialize } from '../../kernels/specialize.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { Emitter } from './emitter.ts';
import type { Footprint } from './footprint.ts';
import { mapInvocations } from './invocations.ts';
import { grid, importLines, indent, libraryConstants, type Made, plain } from './kernel-parts.ts';
import { Scope } from './scope.ts';
import { storeLines } from './stores.ts';

/** @param density operations on each element */
export function mapKernel(footprint: Footprint, adapter: AdapterClass, density: number): Made {
  const { shape } = footprint.group;
  const emitter = new Emitter(footprint, [
    { extents: shape, axes: shape.map((_, axis) => axis), counter: 'index', prefix: 'i' },
  ]);
  const { space, bindings } = emitter;
  const scope = new Scope();
  const stores = storeLines(emitter, scope, 'full', () => true);
  const body = [...space.unravel(0), ...scope.lines, ...stores];

  const { invocations, choice } = mapInvocations(space.quads, density, adapter);
  const { workgroup, items } = invocations;
  const { dispatch, gridX } = grid(Math.ceil(space.quads / (workgroup * items)));
  const code = specialize(map, {
    constants: {
      ...libraryConstants(emitter, adapter),
      QUADS: space.quads,
      ITEMS: items,
      WORKGROUP: workgroup,
      GRID_X: gridX,
    },
    imports: emitter.imports,
    hooks: {
      bindings: [...importLines(emitter), bindings.declarations].join('\n'),
      element: `fn element(index: u32) {\n${indent(body)}\n}`,
    },
  });
  return { shader: 'map', variant: '', choice, code, bindings: plain(bindings), dispatch };
}
