// Sums so far, lines in order and the largest of them, beside the formulas that compare each with each: milliseconds
// a step, in turns, medians. `npm run build && node bench/order.mjs`
import { ops as o, openDevice, Runtime, variable } from '../dist/node.js';

const ROUNDS = 7;
const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

/** A product with a triangle of ones. */
function summedByProduct(x) {
  const count = x.shape.at(-1);
  const places = o.toFloat(o.iota(count));
  return o.matmul(x, o.lessEqual(o.reshape(places, [count, 1]), places));
}

/** As many come before a number as are larger, or equal and before it in its line. */
function topByRank(x, k) {
  const count = x.shape.at(-1);
  const places = o.toFloat(o.iota(count));
  const [mine, theirs] = [o.unsqueeze(x, -1), o.unsqueeze(x, -2)];
  const isTieBefore = o.mul(o.equal(theirs, mine), o.less(places, o.reshape(places, [count, 1])));
  const rank = o.sum(o.add(o.greater(theirs, mine), isTieBefore), -1);
  const chosen = o.equal(o.unsqueeze(rank, -2), o.reshape(o.toFloat(o.iota(k)), [k, 1]));
  return o.sum(o.where(chosen, theirs, 0), -1);
}

const device = await openDevice();
const runtime = new Runtime(device, { seed: 1 });

async function compare(name, rows, count, made) {
  const x = variable('x', [rows, count]);
  runtime.write(
    x,
    Float32Array.from({ length: x.size }, () => Math.random()),
  );
  const subjects = await Promise.all(
    made.map(async (of) => ({
      plan: await runtime.compile({ outputs: { y: of(x) } }),
      times: [],
    })),
  );
  for (const subject of subjects) {
    await subject.plan.run();
    const start = performance.now();
    await subject.plan.run();
    subject.steps = Math.max(1, Math.min(100, Math.round(100 / (performance.now() - start))));
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { plan, times, steps } of subjects) {
      const start = performance.now();
      await plan.run(steps);
      times.push((performance.now() - start) / steps);
    }
  }
  const [now, before] = subjects.map(({ times }) => median(times));
  const beside = before
    ? `, ${before.toFixed(2)} by the formula, ${(before / now).toFixed(1)}×`
    : '';
  console.log(`${name} [${rows}, ${count}]: ${now.toFixed(2)} ms${beside}`);
  for (const { plan } of subjects) plan.destroy();
}

for (const [rows, count] of [
  [20_000, 48],
  [1024, 256],
  [256, 1024],
  [64, 4096],
]) {
  await compare('cumSum', rows, count, [(x) => o.cumSum(x), summedByProduct]);
}
await compare('cumSum', 1, 2 ** 20, [(x) => o.cumSum(x)]);
for (const [rows, count, k] of [
  [4096, 10, 3],
  [1024, 64, 5],
  [64, 1000, 10],
]) {
  const byRank = (x) => topByRank(x, k);
  await compare(`topK ${k}`, rows, count, [(x) => o.topK(x, k).values, byRank]);
}
await compare('sort', 64, 1000, [(x) => o.sort(x), (x) => topByRank(x, 1000)]);
await compare('sort', 1, 2 ** 20, [(x) => o.sort(x)]);
device.destroy();
