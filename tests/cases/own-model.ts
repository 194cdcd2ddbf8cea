/**
 * A model of one's own, as the README shows it: an autoencoder with a custom loss, its gradients,
 * its training, and draws from it, without a word about shaders or buffers.
 */
import {
  buildModel,
  describeStep,
  digits,
  distributions,
  giveWeights,
  input,
  nn,
  objectives,
  ops,
  optim,
  Runtime,
  readWeights,
  settledConfig,
  type Tensor,
  Trainer,
  unpackParameters,
  writeWeights,
} from '../../src/index.ts';
import { evaluate } from '../../src/ops/index.ts';
import { cases } from '../rig/cases.ts';

class Autoencoder extends nn.Module {
  encoder: nn.MLP;
  decoder: nn.MLP;

  constructor(features: number, hidden: number, code: number) {
    super();
    this.encoder = new nn.MLP([features, hidden, code], 'tanh');
    this.decoder = new nn.MLP([code, hidden, features], 'tanh', { output: 'sigmoid' });
  }

  reconstruct(x: Tensor): Tensor {
    return this.decoder.call(this.encoder.call(x));
  }

  /** A robust reconstruction error (Huber) and a penalty that keeps the codes small. */
  loss(x: Tensor) {
    const error = ops.abs(ops.sub(this.reconstruct(x), x));
    const huber = ops.where(
      ops.less(error, 0.1),
      ops.mul(0.5, ops.square(error)),
      ops.sub(ops.mul(0.1, error), 0.005),
    );
    const penalty = ops.mean(ops.square(this.encoder.call(x)));
    return { loss: ops.add(ops.mean(huber), ops.mul(1e-3, penalty)), metrics: { penalty } };
  }
}

cases('a model of your own', (c) => {
  c('has the gradients that float64 gives', async (t) => {
    const runtime = new Runtime(t.device, { seed: 3 });
    const model = new Autoencoder(11, 7, 3);
    const x = input('x', [5, 11]);
    const { loss } = model.loss(x);
    const parameters = model.parameters();
    const gradients = ops.gradient(loss, parameters);
    const names = parameters.map((_, i) => `g${i}`);
    const outputs = Object.fromEntries(names.map((name, i) => [name, gradients[i] as Tensor]));
    const plan = await runtime.compile({ outputs: { loss, ...outputs } });
    const data = Float32Array.from({ length: 55 }, (_, i) => ((i * 37) % 64) / 64);
    runtime.write(x, data);
    await plan.run();
    const values = new Map<Tensor, ArrayLike<number>>([[x, data]]);
    for (const parameter of parameters) values.set(parameter, await runtime.read(parameter));
    const expected = evaluate([loss, ...gradients], values);
    for (const [i, name] of ['loss', ...names].entries()) {
      const reference = expected[i]?.data as Float64Array;
      t.close(await plan.read(name), reference, { absolute: 2e-7, relative: 2e-5 }, name);
    }
    runtime.destroy();
  });

  c('learns, and decodes codes of its own making', async (t) => {
    const data = digits({ count: 200, seed: 5 });
    const model = new Autoencoder(784, 32, 2);
    const trainer = await Trainer.create(
      {
        model,
        data,
        batch: 50,
        loss: (x) => model.loss(x),
        optimizer: optim.adam({ lr: 3e-3 }),
      },
      () => t.open(),
    );
    const first = await trainer.run(10);
    await trainer.run(150);
    const last = await trainer.run(10);
    const [before, after] = [first.metrics.loss as number, last.metrics.loss as number];
    t.ok(after < 0.6 * before, `the loss falls well: from ${before} to ${after}`);

    const { runtime } = trainer;
    const codes = ops.mul(2, ops.randomNormal([9, 2]));
    const plan = await runtime.compile({ outputs: { images: model.decoder.call(codes) } });
    await plan.run();
    const images = await plan.read('images');
    t.equal(images.length, 9 * 784);
    t.ok(
      images.every((v) => v >= 0 && v <= 1),
      'the decoder ends in a sigmoid',
    );
    trainer.destroy();
  });

  c('is saved under the names of its fields, and read again', async (t) => {
    const model = new Autoencoder(6, 4, 2);
    const runtime = new Runtime(t.device, { seed: 3 });
    const values = new Map<ReturnType<typeof model.parameters>[number], Float32Array>();
    for (const parameter of model.parameters()) {
      values.set(parameter, (await runtime.read(parameter)) as Float32Array);
    }
    const bytes = writeWeights(values);
    const other = new Autoencoder(6, 4, 2);
    const read = readWeights(other, bytes);
    t.equal([...read.values.keys()].map(({ name }) => name).slice(0, 2), [
      'encoder.0.weight',
      'encoder.0.bias',
    ]);
    giveWeights(runtime, read.values);
    for (const [i, parameter] of other.parameters().entries()) {
      const kept = values.get(model.parameters()[i] as typeof parameter) as Float32Array;
      t.equal([...(await runtime.read(parameter))], [...kept], parameter.name);
    }
    const optimizer = optim.adam();
    const { parameters } = optim.minimize(other.loss(input('x', [3, 6])).loss, other.parameters(), {
      optimizer,
    });
    const flat = Float32Array.from({ length: parameters.size }, (_, i) => i);
    const [bias] = [...unpackParameters(other, flat)].filter(([p]) => p.name === 'encoder.0.bias');
    t.equal(bias?.[1].length, 4);
    runtime.destroy();
  });

  c('says what is wrong where something was forgotten', async (t) => {
    const model = new Autoencoder(784, 4, 2);
    const data = digits({ count: 20, seed: 5 });
    const base = { model, data, batch: 10, optimizer: optim.adam() };
    const loss = (x: Tensor) => ops.mean(model.reconstruct(x));
    const step = (options: object) => () => describeStep({ ...base, ...options } as never);
    const normal = new distributions.Normal(ops.zeros([3, 2]), ops.zeros([3, 2]));
    const latent = {
      posterior: () => normal,
      decode: (z: Tensor) => new distributions.Bernoulli(z),
      prior: () => new distributions.StandardNormal([2]),
    };
    const bound = (parts: object, batch: unknown = { x: ops.zeros([3, 2]) }) => {
      return () => objectives.elbo({ ...latent, ...parts }, batch as nn.Batch);
    };
    for (const [kind, run, why] of [
      ['bad-config', step({}), /none is given; add loss:/],
      ['bad-config', step({ loss, optimizer: undefined }), /none is given; add optimizer:/],
      ['bad-config', step({ loss }), /loss\(\) gives .* and not \{ loss \}/],
      [
        'bad-config',
        step({ loss: (x: Tensor) => ({ loss: loss(x), metrics: { away: x } }) }),
        /metric 'away' is .*\[10, 784\], no scalar/,
      ],
      ['bad-input', () => ops.add([1, 2] as never, 3), /an array is no tensor and no number/],
      ['bad-input', () => ops.toFloat(undefined as never), /toFloat: undefined is no tensor/],
      [
        'bad-input',
        bound({ posterior: () => normal.mean }),
        /posterior\(\) gives .* no distribution/,
      ],
      ['bad-input', bound({ decode: (z: Tensor) => z }), /decode\(\) gives .* no distribution/],
      ['bad-input', bound({}, ops.zeros([3, 2])), /there is no x/],
      ['bad-config', () => optim.adam({ lr: -1 }), /lr is -1/],
      [
        'bad-config',
        () => buildModel({ family: 'vae', data: { shape: [2] } }),
        /'encoder.hidden' is missing; settledConfig/,
      ],
      [
        'bad-config',
        () => settledConfig({ family: 'vae', data: { shape: [2] }, latents: 3 }),
        /unknown key 'latents'; did you mean 'latent'/,
      ],
    ] as const) {
      await t.throws(kind, run, why);
    }
  });
});
