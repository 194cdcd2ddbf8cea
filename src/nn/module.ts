// Modules: objects that hold parameters and other modules as their fields.
import { Variable } from '../graph/variable.ts';

/**
 * A part of a model. Parameters are found in its fields, lists and records of parts among them, in the order of
 * their making, and named by the path to them, as PyTorch names them: `encoder.0.weight`. What is private by `#`
 * is not seen.
 *
 * ```ts
 * class Autoencoder extends nn.Module {
 *   encoder = new nn.MLP([784, 300, 2], 'relu');
 *   decoder = new nn.MLP([2, 300, 784], 'relu');
 * }
 * ```
 */
export abstract class Module {
  /** What the module holds, by name; by default its fields. */
  children(): [string, unknown][] {
    return Object.entries(this);
  }

  /**
   * Every parameter with the path to it; one that is shared by several parts counts once, under its
   * first path. Naming them is a side effect: errors tell the path.
   */
  namedParameters(): [string, Variable][] {
    return this.named('parameter');
  }

  /** What belongs to the model and is not trained, with the path to it, as for parameters. */
  namedBuffers(): [string, Variable][] {
    return this.named('buffer');
  }

  private named(role: 'parameter' | 'buffer'): [string, Variable][] {
    const found = new Map<object, string>();
    const records = new Set<object>();
    const visit = (path: string, value: unknown): void => {
      if (Array.isArray(value)) {
        value.forEach((item, i) => {
          visit(`${path}.${i}`, item);
        });
        return;
      }
      if (isRecord(value)) {
        if (records.has(value)) return;
        records.add(value);
        for (const [key, item] of Object.entries(value)) visit(`${path}.${key}`, item);
        return;
      }
      if (!(value instanceof Module || value instanceof Variable) || found.has(value)) return;
      found.set(value, path);
      if (value instanceof Module) {
        for (const [name, child] of value.children()) visit(path ? `${path}.${name}` : name, child);
      }
    };
    visit('', this);
    const variables: [string, Variable][] = [];
    for (const [held, path] of found) {
      if (!(held instanceof Variable) || held.role !== role) continue;
      held.name = path;
      variables.push([path, held]);
    }
    return variables;
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

/** A plain object, as `{ mean: new nn.Linear(2, 1) }` makes one. */
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
