// What every engine is given: the same numbers, made anew wherever they are needed.

/** Uniform in [0, 1) from a 32-bit state (mulberry32): not for statistics, but quick to seed. */
function uniforms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** FNV-1a: numbers depend on their name and on nothing that was made before. */
function hash(name: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) value = Math.imul(value ^ name.charCodeAt(i), 0x01000193);
  return value;
}

/** `size` reals in [-scale, scale). */
export function reals(name: string, size: number, scale = 1): Float32Array<ArrayBuffer> {
  const next = uniforms(hash(name));
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = scale * (2 * next() - 1);
  return values;
}

/** `size` normal draws (Box and Muller 1958). */
export function normals(name: string, size: number, std = 1): Float32Array<ArrayBuffer> {
  const next = uniforms(hash(name));
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    values[i] = std * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  }
  return values;
}

/** Rows of zeros and ones, each feature with a probability of its own. */
export function bits(name: string, rows: number, width: number): Float32Array<ArrayBuffer> {
  const next = uniforms(hash(name));
  const values = new Float32Array(rows * width);
  for (let i = 0; i < values.length; i++) {
    const often = 0.5 + 0.45 * Math.sin((12 * (i % width)) / width);
    values[i] = next() < often ? 1 : 0;
  }
  return values;
}

/** Weight [from, to] and bias [to] of a layer: y = x·W + b. */
export interface Layer {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly weight: Float32Array<ArrayBuffer>;
  readonly bias: Float32Array<ArrayBuffer>;
}

/** Layers between these widths, uniform in ± 1/√from as PyTorch starts them. */
export function layers(name: string, widths: readonly number[]): Layer[] {
  return widths.slice(1).map((to, i) => {
    const from = widths[i] as number;
    const scale = 1 / Math.sqrt(from);
    const at = `${name}.${i}`;
    return {
      name: at,
      from,
      to,
      weight: reals(`${at}.weight`, from * to, scale),
      bias: reals(`${at}.bias`, to, scale),
    };
  });
}

export const VAE = { features: 784, hidden: 300, latent: 20 } as const;
export const FLOW = { features: 64, hidden: 128, couplings: 8, batch: 256, bound: 3 } as const;
export const DENSITY = { batch: 4096, samples: 50, latent: 20 } as const;
export const MIXTURE = { rows: 60_000, features: 50, components: 10 } as const;
/** Images [batch, extent, extent, from], windows of 3 × 3, `to` maps. */
export const CONVOLUTION = { batch: 32, extent: 28, from: 32, to: 64 } as const;
/** A net of convolutions from images to logits of the same images. */
export const IMAGE_NET = { batch: 16, extent: 28, maps: [1, 32, 32, 1] } as const;
/** Gated recurrent units over series of one number a step. */
export const RECURRENT = { batch: 32, steps: 64, hidden: 64 } as const;
/** Places of a window of 3 × 3. */
export const TAPS = 9;
export const CHAIN = { length: 200, size: 1024 } as const;
export const ADAM = { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
/** Steps of training that are held against the reference. */
export const CHECKED_STEPS = 2;

export interface VaeLayers {
  readonly encoder: readonly Layer[];
  readonly decoder: readonly Layer[];
}

/** 784-300-40 and 20-300-784: the encoder gives means, then log standard deviations. */
export function vaeLayers(): VaeLayers {
  const { features, hidden, latent } = VAE;
  return {
    encoder: layers('encoder', [features, hidden, 2 * latent]),
    decoder: layers('decoder', [latent, hidden, features]),
  };
}

/** The nets of the couplings, the one next to the base first. */
export function flowLayers(): Layer[][] {
  const { features, hidden, couplings } = FLOW;
  const half = features / 2;
  return Array.from({ length: couplings }, (_, i) =>
    layers(`coupling.${i}`, [half, hidden, hidden, 2 * half]),
  );
}

/** Layers of windows between these numbers of maps: `from` is rows, then columns, then maps of a window. */
const windowed = (name: string, maps: readonly number[]): Layer[] =>
  maps.slice(1).flatMap((to, i) => layers(`${name}.${i}`, [TAPS * (maps[i] as number), to]));

export const imageLayers = () => windowed('image', IMAGE_NET.maps);
export const imageBatch = () => bits('image.x', IMAGE_NET.batch, IMAGE_NET.extent ** 2);

/** What units are told of a step and of their state, three gates each, and what tells the next step. */
export const recurrentLayers = (): Layer[] => {
  const { hidden } = RECURRENT;
  return [
    ...layers('recurrent.inputs', [1, 3 * hidden]),
    ...layers('recurrent.states', [hidden, 3 * hidden]),
    ...layers('recurrent.last', [hidden, 1]),
  ];
};
/** Sines of several frequencies, [steps, batch]. */
export const recurrentBatch = () => {
  const { batch, steps } = RECURRENT;
  return Float32Array.from({ length: steps * batch }, (_, i) =>
    Math.sin((0.2 + 0.02 * (i % batch)) * Math.floor(i / batch) + (i % batch)),
  );
};

/** Images with maps last, and the layer. */
export const convolutionInputs = () => {
  const { batch, extent, from, to } = CONVOLUTION;
  const [layer] = windowed('convolution', [from, to]) as [Layer];
  return { x: normals('convolution.x', batch * extent ** 2 * from), layer };
};

/** [rows, columns] to [columns, rows], of each of `count` matrices. */
export function turned(
  values: ArrayLike<number>,
  count: number,
  rows: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(values.length);
  for (let m = 0; m < count; m++) {
    const at = m * rows * columns;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        result[at + j * rows + i] = values[at + i * columns + j] as number;
      }
    }
  }
  return result;
}

/** For each number of a layer's weight [3 · 3, maps, to] its place in [to, maps, 3, 3]. */
function* windowPlaces({ from, to }: Layer): Generator<readonly [own: number, other: number]> {
  const maps = from / TAPS;
  for (let row = 0; row < from; row++) {
    const place = (row % maps) * TAPS + Math.floor(row / maps);
    for (let o = 0; o < to; o++) yield [row * to + o, o * from + place];
  }
}

/** A layer's weight as [to, maps, 3, 3], which is how PyTorch, jax-js and ONNX have it. */
export function windowsOf(layer: Layer): Float32Array<ArrayBuffer> {
  const result = new Float32Array(layer.weight.length);
  for (const [own, other] of windowPlaces(layer)) result[other] = layer.weight[own] as number;
  return result;
}

/** The way back from {@link windowsOf}. */
export function weightOf(layer: Layer, windows: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const result = new Float32Array(windows.length);
  for (const [own, other] of windowPlaces(layer)) result[own] = windows[other] as number;
  return result;
}

export const vaeBatch = (batch: number) => bits('x', batch, VAE.features);
/** Of the checked steps, [steps][batch · samples · latent]. */
export const vaeNoise = (batch: number, samples: number) =>
  Array.from({ length: CHECKED_STEPS }, (_, i) =>
    normals(`noise.${i}`, batch * samples * VAE.latent),
  );
export const codes = (count: number) => normals('codes', count * VAE.latent);
export const flowRows = () => normals('rows', FLOW.batch * FLOW.features);
export const densityInputs = () => {
  const { batch, samples, latent } = DENSITY;
  return {
    z: normals('z', batch * samples * latent),
    mean: normals('mean', batch * latent, 0.5),
    logStd: reals('logStd', batch * latent, 0.5),
  };
};
export const chainInput = () => reals('chain', CHAIN.size);
export const factors = (m: number, k: number, n: number) => ({
  a: reals('a', m * k),
  b: reals('b', k * n),
});

/** Rows, and a mixture by its log-weights, means and the lower triangles P [K, D, D] of Σ⁻¹ = Pᵀ P. */
export const mixtureInputs = () => {
  const { rows, features: d, components: k } = MIXTURE;
  const factor = reals('mixture.factor', k * d * d, 0.05);
  for (let i = 0; i < factor.length; i++) {
    const [row, column] = [Math.floor(i / d) % d, i % d];
    if (column > row) factor[i] = 0;
    else if (column === row) factor[i] = 1 + (factor[i] as number);
  }
  return {
    x: normals('mixture.rows', rows * d),
    logWeights: new Float32Array(k).fill(-Math.log(k)),
    mean: normals('mixture.mean', k * d, 0.2),
    factor,
  };
};

/** log π + log det P of each component. Numbers that all of them share say nothing of responsibilities. */
export function mixtureOffsets(logWeights: Float32Array, factor: Float32Array) {
  const { features: d } = MIXTURE;
  return Float32Array.from(logWeights, (value, k) => {
    let total = value;
    for (let i = 0; i < d; i++) total += Math.log(factor[(k * d + i) * d + i] as number);
    return total;
  });
}
