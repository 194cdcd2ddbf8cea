// A step of an embedding of 50,000 x 64 with batches of 128, dense and sparse in turns: milliseconds a step,
// of the clock and of the processor. `npm run build && node bench/embeddings.mjs`
import { nn, ops as o, openDevice, optim, Trainer } from '../dist/node.js';

const [N, W, B, ROWS] = [50_000, 64, 128, 4096];
const data = {
  name: 'rows',
  source: 'rows',
  count: ROWS,
  shape: [1],
  data: Float32Array.from({ length: ROWS }, (_, i) => (i * 7919) % N),
};

class Model extends nn.Module {
  constructor(lazy) {
    super();
    this.table = lazy ? new optim.SparseEmbedding(N, W) : new nn.Embedding(N, W);
    this.head = new nn.Linear(W, 1);
  }
}
const device = await openDevice();
const made = {};
for (const lazy of [false, true]) {
  const model = new Model(lazy);
  made[lazy ? 'sparse' : 'dense'] = await Trainer.create(
    {
      model,
      data,
      batch: B,
      seed: 1,
      optimizer: optim.adam({ lr: 1e-3 }),
      loss: ({ x }) => {
        const index = o.toUint(o.reshape(x, [B]));
        const own = lazy ? model.table.lookup(index) : undefined;
        const rows = own ? own.rows : model.table.call(index);
        return { loss: o.mean(o.square(model.head.call(rows))), ...(own && { also: [own] }) };
      },
    },
    () => Promise.resolve(device),
  );
}
const times = { dense: [], sparse: [] };
const cpu = () => {
  const u = process.cpuUsage();
  return (u.user + u.system) / 1000;
};
for (let round = 0; round < 6; round++)
  for (const name of ['dense', 'sparse']) {
    const steps = name === 'dense' ? 5 : 50;
    const [t, c] = [performance.now(), cpu()];
    await made[name].run(steps);
    if (round) times[name].push([(performance.now() - t) / steps, (cpu() - c) / steps]);
  }
const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
for (const [name, list] of Object.entries(times)) {
  const [wall, own] = [0, 1].map((i) => median(list.map((x) => x[i])).toFixed(2));
  console.log(`${name}: ${wall} ms, of the processor ${own} ms`);
}
console.log(device.adapter.name);
device.destroy();
