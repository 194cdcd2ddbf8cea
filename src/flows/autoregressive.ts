// Masked autoregressive flows: each coordinate is transformed by what comes before it. The density
// costs one pass, a draw one pass for every coordinate (Papamakarios, Pavlakou and Murray 2017);
// turned around it is the inverse autoregressive flow (Kingma et al. 2016): `new Inverted(maf)`.
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { MADE, type MadeOptions } from '../nn/index.ts';
import { less, slice, sum, where, zeros } from '../ops/index.ts';
import { Bijection, checkEvents, type Mapped } from './bijection.ts';
import type { Transformer } from './transformers.ts';

export interface AutoregressiveOptions extends Omit<MadeOptions, 'outputs'> {
  readonly transformer: Transformer;
}

export class Autoregressive extends Bijection {
  readonly shape: Shape;
  readonly cost = { forward: 'sequential', inverse: 'parallel' } as const;
  readonly made: MADE;
  /** When each coordinate's turn comes, [D]. */
  readonly rank: Variable;
  private readonly transformer: Transformer;

  constructor(options: AutoregressiveOptions) {
    super();
    const { features, transformer } = options;
    this.shape = [features];
    this.transformer = transformer;
    this.made = new MADE({ ...options, outputs: transformer.parameters });
    const { order } = this.made;
    this.rank = variable('rank', [features], {
      init: () => Float32Array.from(order),
    });
  }

  private parametersOf(x: Tensor, context: Tensor | undefined): Tensor[] {
    const [features] = this.shape as [number];
    const out = this.made.call(x, context);
    return Array.from({ length: this.transformer.parameters }, (_, i) =>
      slice(out, -1, i * features, (i + 1) * features),
    );
  }

  /** Coordinate after coordinate: pass k fixes the one of rank k. */
  forward(z: Tensor, context?: Tensor): Mapped {
    checkEvents('autoregressive flow', z, this.shape);
    const [features] = this.shape as [number];
    let x: Tensor = zeros(z.shape);
    for (let k = 0; ; k++) {
      const { value, logSlope } = this.transformer.forward(z, this.parametersOf(x, context));
      if (k === features - 1) return { value, logDet: sum(logSlope, -1) };
      // What is not known yet stays 0: it must not grow while it is wrong.
      x = where(less(this.rank, k + 0.5), value, 0);
    }
  }

  inverse(x: Tensor, context?: Tensor): Mapped {
    checkEvents('autoregressive flow', x, this.shape);
    const { value, logSlope } = this.transformer.inverse(x, this.parametersOf(x, context));
    return { value, logDet: sum(logSlope, -1) };
  }
}
