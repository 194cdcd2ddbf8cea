// What a model holds, as the lines that make it and the expressions that read it.
import type { Variable } from '../../graph/variable.ts';
import type { Model } from '../../models/index.ts';
import { Random } from '../../random.ts';
import { tuple } from './expression.ts';
import { initialOf } from './initial.ts';
import { tensorLiteral } from './literal.ts';
import { unlike } from './lowering.ts';
import { Names, snake } from './names.ts';

/** Numbers that are written out; more of them make no file to read. */
const MOST_NUMBERS = 65536;

/** `self.encoder[0].weight` for `encoder.0.weight`. */
const read = (path: string) =>
  path
    .split('.')
    .reduce((own, part) => (/^\d+$/.test(part) ? `${own}[${part}]` : `${own}.${part}`), 'self');

export class Holdings {
  /** Of the constructor. */
  readonly lines: string[] = [];
  /** Parameters whose first values no line tells. */
  readonly untold: string[] = [];
  private readonly paths = new Map<Variable, string>();
  private readonly names = new Names();

  /** @param buffers what is known of buffers, beside what they are made as */
  constructor(model: Model, buffers: ReadonlyMap<Variable, ArrayLike<number>> = new Map()) {
    for (const [path, parameter] of model.namedParameters()) {
      this.paths.set(parameter, path);
      const initial = initialOf(parameter);
      if (initial === undefined) this.untold.push(path);
      const shape = tuple(parameter.shape);
      this.lines.push(`self._parameter("${path}", ${shape}, ${initial ?? 'fill=0.0'})`);
    }
    for (const [path, buffer] of model.namedBuffers()) {
      this.paths.set(buffer, path);
      this.hold(path, buffer, buffers.get(buffer) ?? valuesOf(buffer), '');
    }
  }

  /** The expression of a variable, which may be one that only a loss knows. */
  expression(variable: Variable): string {
    const there = this.paths.get(variable);
    if (there !== undefined) return read(there);
    if (!variable.init || variable.role === 'input' || variable.role === 'data') {
      throw unlike(`'${variable.name}', which is kept for each row or each run`);
    }
    const path = `fixed.${this.names.free(snake(variable.name) || 'values')}`;
    this.paths.set(variable, path);
    this.hold(path, variable, valuesOf(variable), ', persistent=False');
    return read(path);
  }

  private hold(
    path: string,
    { shape, dtype, size }: Variable,
    values: ArrayLike<number>,
    more: string,
  ) {
    if (size > MOST_NUMBERS) throw unlike(`'${path}', of ${size} numbers that no rule tells`);
    const literal = tensorLiteral(values, shape, dtype === 'u32' ? 'u32' : 'f32');
    this.lines.push(`self._buffer("${path}", ${tuple(shape)}, ${literal}${more})`);
  }
}

function valuesOf({ init, shape, size }: Variable): ArrayLike<number> {
  const random = new Random(0, 0, 0);
  return init?.(shape, () => random.uniform()) ?? new Float32Array(size);
}
