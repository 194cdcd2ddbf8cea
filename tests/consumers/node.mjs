// A program for Node.js, to be bundled.
import { formats, readModelFolder } from 'latentgpu';
import { reflect } from 'latentgpu/testing';
import { train } from './work.mjs';

const { bindings } = reflect({
  label: 'k',
  code: '@group(0) @binding(1) var<storage> x: array<f32>;',
});
train().then((loss) => {
  const found = [typeof readModelFolder, typeof formats.readNpy, bindings[0].name, loss];
  console.log(JSON.stringify(found));
});
