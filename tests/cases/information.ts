/** Where the divergence of a bound goes, of codes whose aggregated posterior is known. */
import { hasInformation, type Information, information } from '../../src/models/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { withRuntime } from '../support/engine.ts';
import { vaeOf } from '../support/toys.ts';

/** Rows of which the last batch is not full. */
const N = 130;

concurrentCases('information', (c) => {
  c('of codes that are rows themselves: all, in a line, on a grid, or nothing', async (t) => {
    const model = vaeOf({ shape: [2], likelihood: { kind: 'normal', sigma: 'fixed', std: 1 } });
    t.ok(hasInformation(model), 'what it takes');
    const given: Record<string, number[]> = {
      // μ = x, log σ = 0.
      'encoder.0.weight': [1, 0, 0, 1, 0, 0, 0, 0],
      'encoder.0.bias': [0, 0, 0, 0],
    };
    await withRuntime(t, async (runtime) => {
      for (const [name, p] of model.namedParameters()) {
        runtime.write(p, Float32Array.from(given[name] ?? new Float32Array(p.size)));
      }
      const of = (place: (n: number) => readonly [number, number]): Promise<Information> => {
        const x = Float32Array.from({ length: 2 * N }, (_, i) => place(i >> 1)[i & 1] as number);
        const rows = (start: number, end: number) => x.subarray(2 * start, 2 * end);
        return information(runtime, model, rows, N);
      };
      const bits = Math.log(N);
      // Far apart, a draw is of its own row's posterior and of no other.
      const line = await of((n) => [50 * n, 50 * n]);
      t.close([line.mutualInformation, line.totalCorrelation as number], [bits, bits], {
        absolute: 1e-4,
      });
      const grid = await of((n) => [50 * (n % 10), 50 * Math.floor(n / 10)]);
      t.close([grid.mutualInformation, grid.totalCorrelation as number], [bits, 0], {
        absolute: 1e-4,
      });
      // N(0, I) for every row is the prior.
      const none = await of(() => [0, 0]);
      t.close(
        [none.mutualInformation, none.marginalKl, none.totalCorrelation as number],
        [0, 0, 0],
        { absolute: 1e-5 },
      );
      t.close(none.entropy, Math.log(2 * Math.PI * Math.E), { absolute: 0.3 });
    });
  });
});
