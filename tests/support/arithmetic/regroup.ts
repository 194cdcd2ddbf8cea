/**
 * What a compiler may make of sums and products (WGSL 15.7.3): fuse them, sum terms in another order,
 * take a common factor out. Of what is used several times it makes nothing new, as compilers do.
 */
import { type Graph, type Node, usesOf } from './nodes.ts';

/** A product, to be added or subtracted. */
interface Term {
  readonly isNegative: boolean;
  readonly factors: readonly Node[];
}

export type Regrouping = 'as written' | 'common factors' | 'reversed' | 'numbers last';

const isNumber = ({ op }: Node) => op === 'number';

/** `roots` with every sum and product of float32 numbers regrouped. */
export function regrouped(graph: Graph, roots: readonly Node[], how: Regrouping): Node[] {
  if (how === 'as written') return [...roots];
  const uses = usesOf(roots);
  const done = new Map<Node, Node>();
  const isOwn = (node: Node) => node.type === 'f32' && uses.get(node) === 1;

  const factorsOf = (node: Node): Node[] =>
    node.args.flatMap((arg) => (arg.op === '*' && isOwn(arg) ? factorsOf(arg) : [rewritten(arg)]));

  const termsOf = (node: Node, isNegative: boolean, isOpen: boolean): Term[] => {
    const [a, b, c] = node.args as [Node, Node, Node];
    const sum = (x: Node, negative = isNegative) => termsOf(x, negative, isOwn(x));
    if (isOpen && node.op === '+') return [...sum(a), ...sum(b)];
    if (isOpen && node.op === '-') return [...sum(a), ...sum(b, !isNegative)];
    if (isOpen && node.op === 'negate') return sum(a, !isNegative);
    if (isOpen && node.op === 'fma') {
      return [{ isNegative, factors: [rewritten(a), rewritten(b)] }, ...sum(c)];
    }
    if (isOpen && node.op === '*') return [{ isNegative, factors: factorsOf(node) }];
    return [{ isNegative, factors: [rewritten(node)] }];
  };

  const product = (factors: readonly Node[]): Node => {
    const ordered = ordering(factors, isNumber, how);
    return ordered.reduce((a, b) => graph.make('*', 'f32', a, b));
  };

  const total = (terms: readonly Term[]): Node => {
    const isAlone = ({ factors }: Term) => factors.every(isNumber);
    const [first, ...others] = ordering(terms, isAlone, how) as [Term, ...Term[]];
    const start = product(first.factors);
    return others.reduce(
      (sum, { isNegative, factors }) =>
        graph.make(isNegative ? '-' : '+', 'f32', sum, product(factors)),
      first.isNegative ? graph.make('negate', 'f32', start) : start,
    );
  };

  /** Terms with a common factor as one, the sum of what else they have times the factor. */
  const factored = (terms: readonly Term[]): readonly Term[] => {
    for (const [i, one] of terms.entries()) {
      for (const [j, other] of terms.entries()) {
        if (j <= i) continue;
        const common = one.factors.find((f) => !isNumber(f) && other.factors.includes(f));
        if (!common) continue;
        const rest = ({ isNegative, factors }: Term): Term => {
          const at = factors.indexOf(common);
          const left = factors.filter((_, k) => k !== at);
          return { isNegative, factors: left.length > 0 ? left : [graph.number('f32', 1)] };
        };
        const joined = { isNegative: false, factors: [common, total([rest(one), rest(other)])] };
        return factored(terms.flatMap((term, k) => (k === j ? [] : [k === i ? joined : term])));
      }
    }
    return terms;
  };

  const rewritten = (node: Node): Node => {
    const have = done.get(node);
    if (have) return have;
    let result: Node;
    if (node.type === 'f32' && /^(\+|-|\*|fma)$/.test(node.op)) {
      const terms = termsOf(node, false, true);
      result = total(how === 'common factors' ? factored(terms) : terms);
    } else if (node.args.length === 0) result = node;
    else result = graph.make(node.op, node.type, ...node.args.map(rewritten));
    done.set(node, result);
    return result;
  };
  return roots.map(rewritten);
}

function ordering<T>(
  list: readonly T[],
  isConstant: (x: T) => boolean,
  how: Regrouping,
): readonly T[] {
  if (how === 'reversed') return list.toReversed();
  if (how !== 'numbers last') return list;
  return [...list.filter((x) => !isConstant(x)), ...list.filter(isConstant)];
}

/** Every product that is added to something, or taken off, rounded once with the sum. */
export function fused(graph: Graph, roots: readonly Node[]): Node[] {
  const done = new Map<Node, Node>();
  const make = (op: string, ...args: Node[]) => graph.make(op, 'f32', ...args);
  const rewritten = (node: Node): Node => {
    const have = done.get(node);
    if (have) return have;
    const args = node.args.map(rewritten);
    const [a, b] = args as [Node, Node];
    const [p, q] = [a, b].map((x) => (x?.op === '*' && x.type === 'f32' ? x.args : undefined));
    let result: Node;
    if (node.args.length === 0) result = node;
    else if (node.op === '+' && p) result = make('fma', p[0] as Node, p[1] as Node, b);
    else if (node.op === '+' && q) result = make('fma', q[0] as Node, q[1] as Node, a);
    else if (node.op === '-' && p) {
      result = make('fma', p[0] as Node, p[1] as Node, make('negate', b));
    } else if (node.op === '-' && q) {
      result = make('fma', make('negate', q[0] as Node), q[1] as Node, a);
    } else result = graph.make(node.op, node.type, ...args);
    done.set(node, result);
    return result;
  };
  return roots.map(rewritten);
}
