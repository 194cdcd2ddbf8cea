// What every consumer does: trains two steps and draws from a model folder.
import { digits, distributions, nn, ops, optim, Trainer } from 'latentgpu';
import { load } from 'latentgpu/sampler';

export async function train() {
  const net = new nn.MLP([784, 8, 784], 'relu');
  const loss = ({ x }) => ({
    loss: ops.neg(ops.mean(new distributions.Bernoulli(net.call(x)).logProb(x))),
  });
  const data = digits({ count: 64 });
  const trainer = await Trainer.create({
    model: net,
    data,
    batch: 32,
    optimizer: optim.adam({ lr: 1e-3 }),
    loss,
  });
  const { metrics } = await trainer.run(2);
  trainer.destroy();
  return metrics.loss;
}

/** @param folder of a model, by its address */
export async function draw(folder) {
  const model = await load(folder);
  const images = await model.sample(3, { seed: 7 });
  model.destroy();
  return images.reduce((sum, x) => sum + x, 0);
}
