/**
 * Every bijection from one table, with parameters far from their start: its inverse undoes it, its
 * log-determinants are those of its Jacobian, its gradients are those of float64 in both directions, and
 * what is saved and loaded is the same map.
 */
import { type Bijection, Chain, certify, eventSize, Inverted } from '../../src/flows/index.ts';
import { readSafetensors, writeSafetensors } from '../../src/formats/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { topological } from '../../src/graph/traverse.ts';
import { input, isVariable, type Variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import type { Runtime } from '../../src/scheduler/run/runtime.ts';
import { type CaseContext, concurrentCases } from '../rig/cases.ts';
import { constructions, disturb } from '../support/bijections.ts';
import { reals, withRuntime } from '../support/engine.ts';

const POINTS = 3;

/** A number that depends on everything a direction yields. */
function scalarOf(value: Tensor, logDet: Tensor, weights: Tensor): Tensor {
  const own = o.sum(o.mul(o.reshape(value, [value.size]), weights));
  return o.add(own, o.mul(0.7, o.sum(o.expand(logDet, [value.shape[0] as number]))));
}

/** What variables hold on the runtime, or start with. */
async function valuesOf(
  runtime: Runtime,
  roots: readonly Tensor[],
): Promise<Map<Variable, Float32Array | Uint32Array>> {
  const values = new Map<Variable, Float32Array | Uint32Array>();
  for (const node of topological(roots)) {
    if (isVariable(node)) values.set(node, await runtime.read(node));
  }
  return values;
}

async function checkGradients(
  t: CaseContext,
  runtime: Runtime,
  bijection: Bijection,
  z: Float32Array,
  x: ArrayLike<number>,
  context: Variable | undefined,
): Promise<void> {
  const noise = input('z', [POINTS, ...bijection.shape]);
  const data = input('x', [POINTS, ...bijection.dataShape]);
  const weights = input('weights', [noise.size]);
  const parameters = bijection.parameters();
  const ways = [
    { from: noise, mapped: bijection.forward(noise, context) },
    { from: data, mapped: bijection.inverse(data, context) },
  ];
  const outputs: Record<string, Tensor> = {};
  for (const [i, { from, mapped }] of ways.entries()) {
    const y = scalarOf(mapped.value, mapped.logDet, weights);
    const of = [from, ...parameters];
    o.gradient(y, of).forEach((g, k) => {
      outputs[`${i === 0 ? 'forward' : 'inverse'} by ${of[k]?.name}`] = g;
    });
  }
  runtime.write(noise, z);
  runtime.write(weights, reals('weights', weights.size, -1, 1));
  runtime.write(data, x);
  const plan = await runtime.compile({ outputs });
  await plan.run();
  const roots = Object.values(outputs);
  const expected = o.evaluate(roots, await valuesOf(runtime, roots));
  for (const [i, name] of Object.keys(outputs).entries()) {
    const want = expected[i]?.data as Float64Array;
    const scale = want.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
    t.close(await plan.read(name), want, { absolute: 2e-5 * scale }, name);
  }
}

/** The file of a bijection in one runtime, read into another in another runtime; what becomes of `z`. */
async function checkSaved(
  t: CaseContext,
  runtime: Runtime,
  make: (seed: number) => Bijection,
  bijection: Bijection,
  z: Float32Array,
  context: Variable | undefined,
): Promise<ArrayLike<number>> {
  const kept = (of: Bijection) => [...of.namedParameters(), ...of.namedBuffers()];
  const run = async (on: Runtime, of: Bijection): Promise<(Float32Array | Uint32Array)[]> => {
    const noise = input('z', [POINTS, ...of.shape]);
    const { value, logDet } = of.forward(noise, context);
    const plan = await on.compile({ outputs: { value, logDet } });
    on.write(noise, z);
    await plan.run();
    return [await plan.read('value'), await plan.read('logDet')];
  };
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array | Uint32Array }>();
  for (const [path, held] of kept(bijection)) {
    tensors.set(path, { shape: held.shape, data: await runtime.read(held) });
  }
  const file = readSafetensors(writeSafetensors(tensors));
  const before = await run(runtime, bijection);
  await withRuntime(t, async (other) => {
    const again = make(1000);
    if (context) other.write(context, (await runtime.read(context)) as Float32Array);
    for (const [path, held] of kept(again)) {
      const { data, shape } = file.tensors.get(path) as { data: Float32Array; shape: number[] };
      t.equal(shape, [...held.shape], path);
      other.write(held, data);
    }
    t.equal(await run(other, again), before, 'saved and loaded');
  });
  return before[0] as Float32Array;
}

concurrentCases('certificates', (c) => {
  for (const [name, { make, context = [] }] of Object.entries(constructions)) {
    c(name, async (t) => {
      await withRuntime(t, async (runtime) => {
        const bijection = make(0);
        disturb(runtime, bijection);
        const z = reals(`z ${name}`, POINTS * eventSize(bijection.shape));
        const given = context.length > 0 ? input('context', [POINTS, ...context]) : undefined;
        const told = given && reals(`context ${name}`, given.size);
        if (given && told) runtime.write(given, told);
        const found = await certify(runtime, bijection, z, told, context);
        const isStack = bijection instanceof Chain || bijection instanceof Inverted;
        const allowed = isStack ? 1e-3 : 1e-4;
        for (const [what, error] of Object.entries(found)) {
          if (what === 'points') continue;
          t.ok(error <= allowed, `${what} is ${error}, more than ${allowed}`);
        }
        const x = await checkSaved(t, runtime, make, bijection, z, given);
        await checkGradients(t, runtime, bijection, z, x, given);
      });
    });
  }
});
