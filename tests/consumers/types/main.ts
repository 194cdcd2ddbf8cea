// Whatever the compiler knows of the platform: nothing here may be `any`, and mistakes are seen.
import { digits, distributions, nn, openDevice, ops, optim, type Tensor, Trainer } from 'latentgpu';
import { load } from 'latentgpu/sampler';
import { findRaces, openHost, reflect } from 'latentgpu/testing';

type IsAny<T> = 0 extends 1 & T ? true : false;
/** Compiles only for what is not `any`. */
const typed = <T>(value: IsAny<T> extends true ? never : T): T => value as T;

class Autoencoder extends nn.Module {
  encoder = new nn.MLP([784, 300, 2], 'relu');
  decoder = new nn.MLP([2, 300, 784], 'relu');
  loss(x: Tensor) {
    const decoded = new distributions.Bernoulli(this.decoder.call(this.encoder.call(x)));
    return { loss: ops.neg(ops.mean(decoded.logProb(x))) };
  }
}

const model = new Autoencoder();
const data = typed(digits({ count: 10_000 }));
const optimizer = typed(optim.adam({ lr: 1e-3 }));
const trainer = await Trainer.create({
  model,
  data,
  batch: 100,
  optimizer,
  loss: ({ x }) => model.loss(typed(x)),
});
export const loss: number = typed((await trainer.run(100)).metrics.loss);
// @ts-expect-error: a number of steps
void trainer.run('100');
// @ts-expect-error: there is no such option
void digits({ cout: 2 });
// @ts-expect-error: shapes are numbers
ops.randomNormal(['2']);

const plan = await trainer.runtime.compile({ outputs: { codes: ops.randomNormal([16, 2]) } });
export const codes: Float32Array | Uint32Array = typed(await plan.read('codes'));

const device = await openDevice();
export const gpu = typed(device.gpu);
typed(device.adapter.name);
export const buffer = typed(device.createBuffer('b', 16, 128));
// @ts-expect-error: a device is no buffer
device.destroyBuffer(device.gpu);

const sampler = typed(await load('models/digits/'));
export const images: Float32Array = typed(await sampler.sample(16, { seed: 7 }));
typed(sampler.toImageData(images, 0));
// @ts-expect-error: there is no such backend
void load('models/digits/', { backend: 'cuda' });

const host = typed(await openHost('dawn'));
const y = new Float32Array(4);
const result = await host.run({ code: '', bindings: { y, p: { a: 1 } }, dispatch: 1 });
export const numbers: Float32Array = typed(result.y);
// @ts-expect-error: what was not bound does not come back
result.z;
typed(result.p);
export const layout = typed(reflect({ label: 'k', code: '' }).bindings[0]?.layout);
export const races = typed(findRaces({ code: '', bindings: { y }, dispatch: 1 }));
