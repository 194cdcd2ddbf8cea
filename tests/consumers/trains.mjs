// A page that trains a model of its own.
import { datasetOf, distributions, nn, ops, optim, Trainer } from 'latentgpu';

class Autoencoder extends nn.Module {
  encoder = new nn.MLP([16, 8, 2], 'relu');
  decoder = new nn.MLP([2, 8, 16], 'relu');

  loss(x) {
    const decoded = new distributions.Bernoulli(this.decoder.call(this.encoder.call(x)));
    return { loss: ops.neg(ops.mean(decoded.logProb(x))) };
  }
}

const model = new Autoencoder();
const data = datasetOf(new Float32Array(160), [16]);
const optimizer = optim.adam({ lr: 1e-3 });
const loss = (x) => model.loss(x);
const trainer = await Trainer.create({ model, data, batch: 5, optimizer, loss });
globalThis.outcome = (await trainer.run(2)).metrics.loss;
trainer.destroy();
