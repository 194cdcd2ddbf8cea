// Modules: objects that hold parameters and other modules as their fields.
import { isVariable, type Variable } from '../graph/variable.ts';

/**
 * A part of a model. Parameters are found in its fields, in the order of their making, and named by
 * the path to them, as PyTorch names them: `encoder.0.weight`.
 *
 * ```ts
 * class Autoencoder extends Module {
 *   encoder = new MLP([784, 300, 2], 'relu');
 *   decoder = new MLP([2, 300, 784], 'relu');
 * }
 * ```
 */
export abstract class Module {
  /** What the module holds, by name; by default its fields. */
  children(): [string, unknown][] {
    return Object.entries(this);
  }

  /** Every parameter with the path to it. Naming them is a side effect: errors tell the path. */
  namedParameters(prefix = ''): [string, Variable][] {
    const found: [string, Variable][] = [];
    const visit = (path: string, value: unknown): void => {
      if (value instanceof Module) {
        found.push(...value.namedParameters(`${path}.`));
      } else if (Array.isArray(value)) {
        value.forEach((item, i) => {
          visit(`${path}.${i}`, item);
        });
      } else if (value && typeof value === 'object' && isVariable(value as Variable)) {
        const variable = value as Variable;
        if (variable.role !== 'parameter') return;
        variable.name = path;
        found.push([path, variable]);
      }
    };
    for (const [name, value] of this.children()) visit(prefix + name, value);
    return found;
  }

  /** Every parameter, in the order of their making. */
  parameters(): Variable[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** How many numbers are trained. */
  parameterCount(): number {
    return this.parameters().reduce((total, p) => total + p.size, 0);
  }
}
