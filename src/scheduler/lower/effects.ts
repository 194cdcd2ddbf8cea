// Effects write variables that other nodes of the step still have to read.
import { type Tensor, throughViews } from '../../graph/tensor.ts';
import { isVariable, type Variable } from '../../graph/variable.ts';

/** Memory shared by a variable and the parts packed into it. */
export function overlaps(a: Variable, b: Variable): boolean {
  return a === b || a.parent?.variable === b || b.parent?.variable === a;
}

/** Whether two variables lie in one buffer, which no dispatch may bind both read-only and writable. */
export function shareBuffer(a: Variable, b: Variable): boolean {
  return (a.parent?.variable ?? a) === (b.parent?.variable ?? b);
}

/** The variable an effect writes. */
export function targetOf(node: Tensor): Variable | undefined {
  return ['assign', 'store', 'scatter'].includes(node.op.kind)
    ? (node.attrs.target as Variable)
    : undefined;
}

/** The variables that a node reads directly, through views. */
export function variablesRead(node: Tensor): { input: Tensor; variable: Variable }[] {
  return node.inputs.flatMap((input) => {
    const base = throughViews(input);
    return isVariable(base) ? [{ input, variable: base }] : [];
  });
}

/**
 * Effects that cannot run as they stand, because what they read is overwritten by themselves in
 * another order, or by one that waits for them (a ← b and b ← a): they need copies of it.
 */
export function entangledEffects(roots: readonly Tensor[]): (node: Tensor) => boolean {
  const effects = roots.filter(targetOf);
  const before = new Map(
    effects.map((effect) => {
      const target = targetOf(effect) as Variable;
      const readers = effects.filter((reader) =>
        variablesRead(reader).some(({ variable }) => overlaps(variable, target)),
      );
      return [effect, readers.filter((reader) => reader !== effect)];
    }),
  );
  const waitsForItself = (effect: Tensor): boolean => {
    const seen = new Set<Tensor>();
    const stack = [...(before.get(effect) as Tensor[])];
    for (let next = stack.pop(); next; next = stack.pop()) {
      if (next === effect) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      stack.push(...(before.get(next) as Tensor[]));
    }
    return false;
  };
  const readsItsOwnBuffer = (effect: Tensor): boolean => {
    const target = targetOf(effect) as Variable;
    return variablesRead(effect).some(
      ({ input, variable }) =>
        shareBuffer(variable, target) && (input !== target || effect.op.kind === 'scatter'),
    );
  };
  const entangled = new Set(effects.filter((e) => readsItsOwnBuffer(e) || waitsForItself(e)));
  return (node) => entangled.has(node);
}
