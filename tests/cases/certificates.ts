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
  const variables = topological(roots).filter(isVariable);
  // At a time: engines that are slow to tell of their GPU are waited for once.
  const values = await Promise.all(variables.map((variable) => runtime.read(variable)));
  return new Map(variables.map((variable, i) => [variable, values[i] as Float32Array]));
}

/** What a bijection makes of noise, and the gradients of both directions by all they depend on. */
function programOf(bijection: Bijection, context: Variable | undefined) {
  const noise = input('z', [POINTS, ...bijection.shape]);
  const data = input('x', [POINTS, ...bijection.dataShape]);
  const weights = input('weights', [noise.size]);
  const { value, logDet } = bijection.forward(noise, context);
  const ways = [
    { from: noise, mapped: { value, logDet } },
    { from: data, mapped: bijection.inverse(data, context) },
  ];
  const outputs: Record<string, Tensor> = { value, logDet };
  for (const [i, { from, mapped }] of ways.entries()) {
    const y = scalarOf(mapped.value, mapped.logDet, weights);
    const of = [from, ...bijection.parameters()];
    o.gradient(y, of).forEach((g, k) => {
      outputs[`${i === 0 ? 'forward' : 'inverse'} by ${of[k]?.name}`] = g;
    });
  }
  return { noise, data, weights, value, outputs };
}

type BijectionProgram = ReturnType<typeof programOf>;

/** Every output, for noise and weights as they are on the runtime. */
async function outcomeOf(runtime: Runtime, { outputs }: BijectionProgram) {
  const plan = await runtime.compile({ outputs });
  await plan.run();
  const names = Object.keys(outputs);
  const read = await Promise.all(names.map((name) => plan.read(name)));
  return new Map<string, ArrayLike<number>>(names.map((name, i) => [name, read[i] ?? []]));
}

/** Values and gradients are those of float64, and bit for bit what a file gives in another runtime. */
async function checkValuesAndFile(
  t: CaseContext,
  runtime: Runtime,
  make: (seed: number) => Bijection,
  bijection: Bijection,
  z: Float32Array,
  context: Variable | undefined,
): Promise<void> {
  const program = programOf(bijection, context);
  const weights = reals('weights', program.weights.size, -1, 1);
  runtime.write(program.noise, z);
  runtime.write(program.weights, weights);
  const [there] = o.evaluate([program.value], await valuesOf(runtime, [program.value]));
  const x = Float32Array.from(there?.data as Float64Array);
  runtime.write(program.data, x);
  const outcome = await outcomeOf(runtime, program);
  const roots = Object.values(program.outputs);
  const expected = o.evaluate(roots, await valuesOf(runtime, roots));
  for (const [i, name] of Object.keys(program.outputs).entries()) {
    const want = expected[i]?.data as Float64Array;
    const scale = want.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
    t.close(outcome.get(name) as ArrayLike<number>, want, { absolute: 2e-5 * scale }, name);
  }
  const kept = (of: Bijection) => [...of.namedParameters(), ...of.namedBuffers()];
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array | Uint32Array }>();
  for (const [path, held] of kept(bijection)) {
    tensors.set(path, { shape: held.shape, data: await runtime.read(held) });
  }
  const file = readSafetensors(writeSafetensors(tensors));
  await withRuntime(t, async (other) => {
    const again = make(1000);
    if (context) other.write(context, (await runtime.read(context)) as Float32Array);
    for (const [path, held] of kept(again)) {
      const { data, shape } = file.tensors.get(path) as { data: Float32Array; shape: number[] };
      t.equal(shape, [...held.shape], path);
      other.write(held, data);
    }
    // The same program, so that nothing of it is compiled again.
    const loaded = programOf(again, context);
    other.write(loaded.noise, z);
    other.write(loaded.weights, weights);
    other.write(loaded.data, x);
    const before = [...outcome.values()];
    t.equal([...(await outcomeOf(other, loaded)).values()], before, 'saved and loaded');
  });
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
        await checkValuesAndFile(t, runtime, make, bijection, z, given);
      });
    });
  }
});
