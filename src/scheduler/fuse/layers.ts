// Products that follow each other in one kernel: which do, and whether one kernel can compute them.
import { windowsOf } from '../../graph/products.ts';
import { sameShape, sizeOf } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { accessOf, isWhole } from '../lower/access.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { targetOf } from '../lower/effects.ts';
import { operandOf } from '../lower/operand.ts';
import type { Dependencies } from './dependencies.ts';
import type { Fusion } from './fusion.ts';
import { type Group, isComputable, newGroup } from './group.ts';
import {
  type Chain,
  chooseLayers,
  dispatchMicroseconds,
  productMicroseconds,
} from './layers-choice.ts';
import { countBindings, trafficOf } from './traffic.ts';

export const productOf = (link: Group): Tensor | undefined =>
  [...link.levels.keys()].find((node) => node.op.kind === 'matmul');

/** Rows of images are not passed on: places around them are read, too. */
const isOfWindows = (link: Group): boolean => {
  const product = productOf(link);
  return product !== undefined && windowsOf(product) !== undefined;
};

const operandsOf = (link: Group) => (productOf(link) as Tensor).inputs as [Tensor, Tensor];

/** The links of a layers group: what computes X₀, if it is not read, and the products. */
export function layersOf(links: readonly Group[]): { entry: Group | undefined; layers: Group[] } {
  const layers = links.filter(productOf);
  return { entry: links.find((link) => !layers.includes(link)), layers };
}

/** Rows and widths of products that follow each other. */
export function chainOf(layers: readonly Group[]): Chain {
  const { shape } = layers[0] as Group;
  const [left] = operandsOf(layers[0] as Group);
  const widths = [left, ...layers].map((each) => each.shape.at(-1) as number);
  return { m: sizeOf(shape.slice(0, -1)), widths };
}

/** Joins products that follow each other, and what computes the first one's left operand. */
export function joinLayers(fusion: Fusion, adapter: AdapterClass): Fusion {
  if (adapter.layers === 'never') return fusion;
  const { groups, groupOf, dependencies } = fusion;
  const linksOf = (group: Group) => (group.kind === 'layers' ? group.chain : [group]);
  const join = (parts: readonly Group[], links: readonly Group[]): void => {
    if (links.some(isOfWindows)) return;
    const whole = newGroup('layers', (links.at(-1) as Group).shape, [], 1, links);
    if (!pays(whole, parts, adapter)) return;
    if (!fits(whole, dependencies, adapter) || !dependencies.isAcyclic(whole, groupOf)) return;
    for (const part of parts) groups.splice(groups.indexOf(part), 1);
    groups.push(whole);
    for (const node of whole.levels.keys()) groupOf.set(node, whole);
  };
  const feederOf = (group: Group): Group | undefined => {
    const { layers } = layersOf(linksOf(group));
    const access = accessOf(operandsOf(layers[0] as Group)[0]);
    return access && isWhole(access) ? groupOf.get(access.base) : undefined;
  };
  for (const node of dependencies.nodes) {
    const group = groupOf.get(node) as Group;
    if (node.op.kind !== 'matmul' || group.kind !== 'matmul') continue;
    const feeder = feederOf(group);
    if (feeder?.kind === 'matmul' || feeder?.kind === 'layers') {
      join([feeder, group], [...linksOf(feeder), group]);
    }
  }
  for (const group of groups.filter(({ kind }) => kind === 'matmul' || kind === 'layers')) {
    const feeder = feederOf(group);
    if (feeder?.kind !== 'map') continue;
    // The same nodes, as a product's epilogue would compute them: row by row.
    const entry = { ...newGroup('matmul', feeder.shape), levels: feeder.levels };
    if (isComputable(entry)) join([feeder, group], [entry, ...linksOf(group)]);
  }
  return fusion;
}

/** What has to be gained, of the time without: less is lost in what the expectation does not know. */
const GAIN = 0.05;

/** Whether one kernel is expected to be faster than those of its parts. */
function pays(whole: Group, parts: readonly Group[], adapter: AdapterClass): boolean {
  if (adapter.layers === 'always') return true;
  const now = parts.reduce((total, part) => total + expected(part, adapter), 0);
  return expected(whole, adapter) < (1 - GAIN) * now;
}

function expected(group: Group, adapter: AdapterClass): number {
  if (group.kind === 'map') return dispatchMicroseconds(adapter);
  if (group.kind === 'layers') {
    const choice = chooseLayers(chainOf(layersOf(group.chain).layers), adapter);
    return choice?.microseconds ?? Number.POSITIVE_INFINITY;
  }
  const { m, widths } = chainOf([group]);
  return productMicroseconds(m, widths[0] as number, widths[1] as number, adapter);
}

/** Whether one kernel can compute the group: its links pass on rows, and nothing else. */
function fits(whole: Group, dependencies: Dependencies, adapter: AdapterClass): boolean {
  const { entry, layers } = layersOf(whole.chain);
  const { m } = chainOf(layers);
  if (!chooseLayers(chainOf(layers), adapter)) return false;
  if ([...whole.levels.keys()].some(targetOf)) return false;
  if (entry) {
    const full = [...entry.levels].filter(([, level]) => level === 'full');
    if (!full.every(([node]) => sameShape(node.shape, entry.shape))) return false;
  }
  for (const [l, link] of layers.entries()) {
    const [left, right] = operandsOf(link);
    const before = l > 0 ? layers[l - 1] : entry;
    const weights = accessOf(right);
    if (link.columnSum || left.size !== m * (left.shape.at(-1) as number)) return false;
    if (!weights || operandOf(weights, link.shape.slice(0, -2), true)?.batchStride !== 0)
      return false;
    if (!before) continue;
    const access = accessOf(left);
    if (!access || !isWhole(access) || before.levels.get(access.base) !== 'full') return false;
    if (access.base.shape.at(-1) !== left.shape.at(-1)) return false;
  }
  return passesRowsOnly(whole, dependencies) && bindingsSuffice(whole, dependencies, adapter);
}

/** Whether a link takes nothing from another but its product's left operand. */
function passesRowsOnly(whole: Group, dependencies: Dependencies): boolean {
  return whole.chain.every((link) =>
    [...link.levels.keys()].every((node) => {
      const product = node.op.kind === 'matmul' ? node : undefined;
      const passed = product && accessOf(product.inputs[0] as Tensor)?.base;
      const isElsewhere = (x: Tensor) => whole.levels.has(x) && !link.levels.has(x);
      const weights = product && accessOf(product.inputs[1] as Tensor)?.base;
      if (weights && isElsewhere(weights)) return false;
      return dependencies.inputsOf(node).every((x) => !isElsewhere(x) || x === passed);
    }),
  );
}

/** Whether the kernel may bind what its links read and write, each link for itself. */
function bindingsSuffice(whole: Group, dependencies: Dependencies, adapter: AdapterClass): boolean {
  const { chain: links } = whole;
  const isPassed = (x: Tensor) => whole.levels.has(accessOf(x)?.base as Tensor);
  const traffic = links.map((link) => {
    const { reads, writes } = trafficOf(link, dependencies, whole);
    const operands = reads.filter(({ node }) => node.op.kind === 'matmul');
    return {
      operands: operands.filter(({ node, input }) => !isPassed(node.inputs[input] as Tensor)),
      reads: reads.filter(({ node }) => node.op.kind !== 'matmul'),
      writes,
      passed: operands.filter(({ node, input }) => isPassed(node.inputs[input] as Tensor)).length,
    };
  });
  // No memory that is written may be bound a second time.
  const bound = traffic.flatMap(({ operands, reads, writes }) => [
    ...operands.map(({ location }) => location.memory),
    ...new Set([...reads, ...writes].map(({ location }) => location.memory)),
  ]);
  const written = traffic.flatMap(({ writes }) => writes.map(({ location }) => location.memory));
  if (written.some((memory) => bound.filter((other) => other === memory).length > 1)) return false;
  let storage = 0;
  let uniform = 0;
  for (const [i, link] of links.entries()) {
    const counted = countBindings(link, dependencies, whole);
    storage += counted.storage - (traffic[i] as { passed: number }).passed;
    uniform += counted.uniform;
  }
  return storage <= adapter.maxStorageBuffers && uniform <= adapter.maxUniformBuffers;
}
