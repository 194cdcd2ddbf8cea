// Convolutions, maps first.
import { type Array as JaxArray, jit, lax, nn } from '@jax-js/jax';
import type { Task } from '../../engine.ts';
import {
  CONVOLUTION,
  convolutionInputs,
  IMAGE_NET,
  imageBatch,
  imageLayers,
  type Layer,
  TAPS,
  turned,
  weightOf,
  windowsOf,
} from '../../inputs.ts';
import { arrayOf, type Parameters } from './arrays.ts';
import { learning, startOf } from './learning.ts';
import { replayed } from './task.ts';

/** Windows [to, maps, 3, 3] and biases, of images with maps first. */
const windowParameters = (layers: readonly Layer[]): Parameters =>
  layers.flatMap((layer) => [
    arrayOf(windowsOf(layer), [layer.to, layer.from / TAPS, 3, 3]),
    arrayOf(layer.bias, [1, layer.to, 1, 1]),
  ]);

/** Consumes all it is given. */
const convolved = (x: JaxArray, weight: JaxArray, bias: JaxArray) =>
  lax.conv(x, weight, [1, 1], 'SAME').add(bias);

export function convolution(): Task {
  const { batch, extent, from, to } = CONVOLUTION;
  const pixels = extent ** 2;
  const { x, layer } = convolutionInputs();
  const images = arrayOf(turned(x, batch, pixels, from), [batch, from, extent, extent]);
  const inputs = [images, ...windowParameters([layer])];
  const layerOf = (...given: JaxArray[]) =>
    nn.relu(convolved(...(given as [JaxArray, JaxArray, JaxArray])));
  const task = replayed('sums', (...given) => layerOf(...given).sum([0, 2, 3]), inputs);
  return {
    ...task,
    async check() {
      const jitted = jit(layerOf);
      const y = jitted(...inputs.map((each) => each.ref)).slice(0);
      const values = (await y.data()) as Float32Array;
      jitted.dispose();
      return { ...(await task.check()), y: turned(values, 1, to, pixels) };
    },
  };
}

export function images(): Task {
  const { batch, extent } = IMAGE_NET;
  const layers = imageLayers();
  const x = arrayOf(imageBatch(), [batch, 1, extent, extent]);
  const loss = (parameters: Parameters, data: JaxArray) => {
    let h = data.ref;
    for (let i = 0; i < parameters.length; i += 2) {
      h = convolved(h, parameters[i] as JaxArray, parameters[i + 1] as JaxArray);
      if (i + 2 < parameters.length) h = nn.relu(h);
    }
    return data
      .mul(h.ref)
      .sub(nn.softplus(h))
      .mean()
      .mul(-(extent ** 2));
  };
  const read = async (parameters: Parameters) => {
    const parts: number[] = [];
    for (const [i, layer] of layers.entries()) {
      const [weight, bias] = parameters.slice(2 * i, 2 * i + 2) as [JaxArray, JaxArray];
      for (const v of weightOf(layer, await weight.ref.data())) parts.push(v);
      for (const v of await bias.ref.data()) parts.push(v);
    }
    return Float32Array.from(parts);
  };
  return learning(() => startOf(windowParameters(layers)), loss, x, read);
}
