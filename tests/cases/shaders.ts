/**
 * Every file under shaders/ compiles: kernels with their default constants and hooks, libraries as
 * modules of their own, what a product mixes in to read its operands in every mixture.
 */
import type { Device } from '../../src/device/index.ts';
import { chooseMatmul, matmulVariants } from '../../src/kernels/matmul.ts';
import { reflection } from '../../src/kernels/reflection.gen.ts';
import { type KernelName, specialize } from '../../src/kernels/specialize.ts';
import { compileShader } from '../../src/testing/compile.ts';
import { formatDiagnostic } from '../../src/testing/diagnostics.ts';
import { cases } from '../rig/cases.ts';
import { productAdapter } from '../support/engine.ts';
import { shaderNamed, shaders } from '../support/shaders.ts';

/** Parts that only mean something inside their kernel. */
const isMixIn = (name: string) =>
  /^lib\/(matmul_(window|tiled_(rows|columns|window))|scan_(parts|whole)|sorted_(pairs|places))$/.test(
    name,
  );

/** What the compiler says against a shader; a pipeline of each would take minutes. */
async function complaints(device: Device, name: string, code: string): Promise<string[]> {
  const shader = { label: name, code };
  const found = await compileShader(device, shader, [], {});
  return found
    .filter(({ severity }) => severity === 'error')
    .map((diagnostic) => formatDiagnostic(shader, diagnostic));
}

/** The feature that a language extension belongs to. */
const FEATURES: Record<string, GPUFeatureName> = { f16: 'shader-f16', subgroups: 'subgroups' };

/** Whether a device has what a shader asks for; where it has not, the compiler must refuse it. */
function isOffered(device: Device, code: string): boolean {
  const asked = [...code.matchAll(/^enable (\w+);/gm)].map(([, name]) => FEATURES[name as string]);
  return asked.every((feature) => feature && device.features.has(feature));
}

cases('shaders', (c) => {
  c('every file compiles by itself', async (t) => {
    t.ok(shaders.length > 20, `there are ${shaders.length} shaders`);
    for (const shader of shaders) {
      const { name } = shader;
      if (isMixIn(name)) continue;
      const code = specialize(shader);
      const found = await complaints(t.device, name, code);
      if (isOffered(t.device, code)) t.equal(found, [], name);
      else t.ok(found.length > 0, `${name} compiles without what it enables`);
    }
  });

  c('every product compiles for operands stored either way, aligned or not', async (t) => {
    for (const isSoftware of [true, false]) {
      for (const [left, right, ld] of [false, true].flatMap((a) =>
        [false, true].flatMap((b) => [36, 37].map((ld) => [a, b, ld] as const)),
      )) {
        const operand = (transposed: boolean) => ({
          transposed,
          ld,
          offset: 0,
          batchStride: 0,
          size: 36 * ld,
        });
        const problem = {
          batch: 1,
          m: 33,
          n: 34,
          k: 35,
          a: operand(left),
          b: operand(right),
          sumA: true,
        };
        const adapter = productAdapter(t.device, isSoftware);
        for (const variant of matmulVariants(problem, adapter)) {
          const { shader, constants, hooks, imports } = chooseMatmul(problem, adapter, variant);
          const code = specialize(shader, { constants, hooks, imports });
          t.equal(await complaints(t.device, variant, code), []);
        }
      }
    }
  });

  c('every kernel becomes a pipeline with the bindings read from it', async (t) => {
    const names = Object.keys(reflection) as KernelName[];
    t.ok(names.length > 15, `there are ${names.length} kernels`);
    for (const name of names) {
      const layout = reflection[name].bindings.map(({ binding, access }) => ({
        binding,
        kind: access === 'read_write' ? ('write' as const) : access,
      }));
      const code = specialize(shaderNamed(name));
      const compiling = () => t.device.createPipeline(name, code, layout);
      if (isOffered(t.device, code)) await compiling();
      else await t.throws('bad-kernel', compiling, /enable|extension|subgroup/);
    }
  });
});
