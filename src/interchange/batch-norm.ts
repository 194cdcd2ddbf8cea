// Batch normalisation of a net that is trained is an affine map: it becomes part of the layer before or
// after it.
import { LatentGpuError } from '../errors.ts';
import { quote, shapeText } from '../formats/message.ts';
import type { Rule } from './rules.ts';
import { type ForeignTensor, inPython } from './wrappers.ts';

type Tensors = Map<string, ForeignTensor>;

/** Whether a normalisation, by its name or by a rule, is to stay a layer of its own. */
const isLayer = (base: string, rules: readonly Rule[]) => {
  const place = rules.find(({ from }) => from === base)?.to ?? base;
  return /^(encoder|decoder)\.norms\.\d+$/.test(place);
};

/** What PyTorch adds to variances unless told otherwise; no tensor tells. */
const EPSILON = 1e-5;

/**
 * Folds every normalisation with running statistics into the layer that it follows, or else precedes, in a
 * Sequential (`encoder.1` after `encoder.0`), or that rules give the same place.
 *
 * @returns what was assumed
 * @throws LatentGpuError `bad-config` for one of which it is not clear what it follows, with ways out;
 *   `bad-format` for one that no weights can hold
 */
export function foldBatchNorm(tensors: Tensors, rules: readonly Rule[], file: string): string[] {
  const assumed: string[] = [];
  for (const name of [...tensors.keys()]) {
    const base = /^(.*)\.running_mean$/.exec(name)?.[1];
    if (base === undefined) continue;
    const rule = rules.find(({ from }) => from === base);
    // Left out by somebody who knows why.
    if (rule && rule.to === undefined) continue;
    if (isLayer(base, rules)) continue;
    const { scale, shift } = affineOf(tensors, base, file);
    const { layer, isBefore } = neighbour(tensors, base, rule, rules, scale.length, file);
    checkVariance(tensors, base, file);
    if (isBefore) scaleOutputs(tensors, layer, scale, shift, base);
    else scaleInputs(tensors, layer, scale, shift, base);
    for (const leaf of ['weight', 'bias', 'running_mean', 'running_var'])
      tensors.delete(`${base}.${leaf}`);
    const where = isBefore ? 'follows' : 'precedes';
    assumed.push(`${base} is batch normalisation that ${where} ${layer}, eps ${EPSILON}`);
  }
  refuseOthers(tensors, rules, file);
  return assumed;
}

/** What has a weight a channel and no running statistics depends on the row or batch that it sees. */
function refuseOthers(tensors: Tensors, rules: readonly Rule[], file: string): void {
  for (const [name, { shape }] of tensors) {
    const base = /^(.*)\.weight$/.exec(name)?.[1];
    if (base === undefined || shape.length !== 1) continue;
    const isOut = rules.some(
      ({ from, to }) => to === undefined && (from === base || from === name),
    );
    if (isOut || isLayer(base, rules)) continue;
    throw new LatentGpuError(
      'bad-format',
      `${file}: ${quote(name)} ${shapeText(shape)} is that of a normalisation without running statistics (LayerNorm, GroupNorm, BatchNorm with track_running_stats=False) or of a PReLU; a LayerNorm before an activation has the place of its layer, --rename ${base}=encoder.norms.0; other nets are trained with BatchNorm1d, which is folded, or without`,
    );
  }
}

/** x · scale + shift, a channel each. */
function affineOf(tensors: Tensors, base: string, file: string) {
  const mean = tensors.get(`${base}.running_mean`) as ForeignTensor;
  const count = mean.data.length;
  const take = (leaf: string, otherwise: number) => {
    const tensor = tensors.get(`${base}.${leaf}`);
    const values = tensor
      ? (tensor.doubles ?? tensor.data)
      : new Float64Array(count).fill(otherwise);
    if (values.length === count) return Float64Array.from(values as ArrayLike<number>, Number);
    throw new LatentGpuError(
      'bad-format',
      `${file}: ${quote(`${base}.${leaf}`)} has ${values.length} numbers and ${quote(mean.from)} ${count}`,
    );
  };
  if (!tensors.has(`${base}.running_var`)) {
    throw new LatentGpuError(
      'bad-format',
      `${file}: ${base} has a running_mean and no running_var`,
    );
  }
  const [center, variance, weight, bias] = [
    take('running_mean', 0),
    take('running_var', 1),
    take('weight', 1),
    take('bias', 0),
  ];
  const scale = weight.map((w, i) => w / Math.sqrt((variance[i] as number) + EPSILON));
  const shift = bias.map((b, i) => b - (center[i] as number) * (scale[i] as number));
  return { scale, shift };
}

function checkVariance(tensors: Tensors, base: string, file: string): void {
  const name = `${base}.running_var`;
  const variance = floats(tensors.get(name) as ForeignTensor);
  const wrong = variance.findIndex((value) => !(value + EPSILON > 0));
  if (wrong < 0) return;
  throw new LatentGpuError(
    'bad-format',
    `${file}: ${quote(name)} holds ${variance[wrong]} at element ${wrong}, which is no variance; save the model anew`,
  );
}

interface Neighbour {
  readonly layer: string;
  readonly isBefore: boolean;
}

function neighbour(
  tensors: Tensors,
  base: string,
  rule: Rule | undefined,
  rules: readonly Rule[],
  channels: number,
  file: string,
): Neighbour {
  const extent = (layer: string, side: 0 | 1) => {
    const shape = tensors.get(`${layer}.weight`)?.shape;
    return shape?.length === 2 ? shape[side] : undefined;
  };
  const partner = rules.find(
    (one) => one !== rule && rule?.to !== undefined && one.to === rule.to,
  )?.from;
  if (partner !== undefined && extent(partner, 0) === channels)
    return { layer: partner, isBefore: true };
  const [, parent = '', index] = /^(.*\.)?(\d+)$/.exec(base) ?? [];
  if (!rule && index !== undefined) {
    const before = `${parent}${Number(index) - 1}`;
    const after = `${parent}${Number(index) + 1}`;
    if (extent(before, 0) === channels) return { layer: before, isBefore: true };
    if (extent(after, 1) === channels) return { layer: after, isBefore: false };
  }
  const place = rule?.to ?? 'encoder.0';
  throw new LatentGpuError(
    'bad-config',
    `${file}: ${quote(base)} is batch normalisation of ${channels} channels; give it the place of the layer right before it (no activation between), --rename fc1=${place} ${base}=${place}, and it is folded into that; or that of a layer of its own, ${base}=encoder.norms.0; or fold it before saving: torch.nn.utils.fusion.fuse_linear_bn_eval(model.eval().fc1, ${inPython(`model.${base}`)})`,
  );
}

const weightOf = (tensors: Tensors, layer: string) =>
  tensors.get(`${layer}.weight`) as ForeignTensor;

function floats({ data, doubles }: ForeignTensor): Float64Array {
  return Float64Array.from((doubles ?? data) as ArrayLike<number>, Number);
}

function put(
  tensors: Tensors,
  name: string,
  like: ForeignTensor,
  values: Float64Array,
  shape: number[],
  how: string,
) {
  const { doubles: _, isTied: __, ...rest } = tensors.get(name) ?? { ...like, from: name, how: [] };
  tensors.set(name, { ...rest, shape, data: Float32Array.from(values), how: [...rest.how, how] });
}

/** W x + b, normalised: rows of W and elements of b. */
function scaleOutputs(
  tensors: Tensors,
  layer: string,
  scale: Float64Array,
  shift: Float64Array,
  base: string,
) {
  const weight = weightOf(tensors, layer);
  const columns = weight.data.length / scale.length;
  const bias = tensors.get(`${layer}.bias`);
  const before = bias ? floats(bias) : new Float64Array(scale.length);
  const rows = floats(weight).map((value, i) => value * (scale[Math.floor(i / columns)] as number));
  const moved = before.map((value, i) => value * (scale[i] as number) + (shift[i] as number));
  put(tensors, `${layer}.weight`, weight, rows, weight.shape, `${base} folded in`);
  put(tensors, `${layer}.bias`, weight, moved, [scale.length], `${base} folded in`);
}

/** W (x · scale + shift) + b: columns of W, and what W makes of the shift. */
function scaleInputs(
  tensors: Tensors,
  layer: string,
  scale: Float64Array,
  shift: Float64Array,
  base: string,
) {
  const weight = weightOf(tensors, layer);
  const columns = scale.length;
  const values = floats(weight);
  const rows = values.length / columns;
  const bias = tensors.get(`${layer}.bias`);
  const moved = bias ? floats(bias) : new Float64Array(rows);
  values.forEach((value, i) => {
    const row = Math.floor(i / columns);
    moved[row] = (moved[row] as number) + value * (shift[i % columns] as number);
  });
  const scaled = values.map((value, i) => value * (scale[i % columns] as number));
  put(tensors, `${layer}.weight`, weight, scaled, weight.shape, `${base} folded in`);
  put(tensors, `${layer}.bias`, weight, moved, [rows], `${base} folded in`);
}
