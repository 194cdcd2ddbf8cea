// The posteriors of pseudo-inputs, mixed evenly: p(z) = 1/K Σ q(z | u_k). The pseudo-inputs start as rows
// of the data and are learned. Tomczak and Welling 2018.
import { type Density, NormalMixture } from '../../distributions/index.ts';
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Variable, variable } from '../../graph/variable.ts';
import { uniform } from '../../nn/index.ts';
import type { Posterior } from '../../objectives/index.ts';
import { Random } from '../../random.ts';
import { STREAMS } from '../../streams.ts';
import type { TrainingRows } from '../learner.ts';
import { MIXTURE } from './mixture.ts';
import { PriorPart } from './part.ts';

export const VAMP = {
  keys: MIXTURE.keys,
  about: 'a mixture of the posteriors of pseudo-inputs (Tomczak and Welling 2018)',
};

export class VampPrior extends PriorPart {
  readonly isStandard = false;
  /** [K, D]. */
  readonly pseudoInputs: Variable;
  private readonly posteriorOf: (x: Tensor) => Posterior;

  /** @param posteriorOf q(z | x) of rows x [K, D]: independent normals */
  constructor(components: number, features: number, posteriorOf: (x: Tensor) => Posterior) {
    super();
    this.posteriorOf = posteriorOf;
    this.pseudoInputs = variable('pseudoInputs', [components, features], {
      role: 'parameter',
      init: uniform(1),
    });
  }

  override children(): [string, unknown][] {
    return [['pseudoInputs', this.pseudoInputs]];
  }

  get density(): Density {
    const { mean, logStd } = this.posteriorOf(this.pseudoInputs);
    return new NormalMixture({ mean, logStd: logStd as Tensor });
  }

  codes(noise: Tensor): Tensor {
    return this.density.draw([noise.shape[0] as number]).value;
  }

  /** Rows of the data, drawn without replacement. */
  override initial({ count, rows }: TrainingRows, seed: number): Map<Variable, Float32Array> {
    const [components, features] = this.pseudoInputs.shape as [number, number];
    if (components > count) {
      throw new LatentGpuError(
        'bad-config',
        `prior.components is ${components}, and pseudo-inputs start as rows of the data, of which there are ${count}; set prior.components=${count} or fewer`,
      );
    }
    const random = new Random(seed, STREAMS.pseudoInputs, 0);
    const order = Int32Array.from({ length: count }, (_, i) => i);
    const values = new Float32Array(components * features);
    for (let i = 0; i < components; i++) {
      const at = i + random.integer(count - i);
      const row = order[at] as number;
      order[at] = order[i] as number;
      values.set(rows(row, row + 1), i * features);
    }
    return new Map([[this.pseudoInputs, values]]);
  }
}
