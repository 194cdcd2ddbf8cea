// Weights that PyTorch keeps in parts, put together: weight norm, spectral norm, pruning.
import { LatentGpuError } from '../errors.ts';
import { quote, shapeText } from '../formats/message.ts';
import { type ForeignTensor, inPython } from './wrappers.ts';

type Tensors = Map<string, ForeignTensor>;
type Bad = (why: string) => LatentGpuError;

/**
 * Replaces the parts of every weight by the weight, as the net computes it when it is evaluated.
 *
 * - weight norm, `weight_g` and `weight_v`: g v / |v|, a norm a row (a column, the whole) as g has it
 * - spectral norm, `weight_orig`, `weight_u`, `weight_v`: W / (uᵀ W v), with `dim=1` of Wᵀ
 * - pruning, `weight_orig` and `weight_mask`: their product
 * - the same by `parametrizations.weight`: `original0` and `original1`; `original`, `0._u`, `0._v`
 *
 * @throws LatentGpuError `bad-format` for parts that do not fit together, or of another parametrisation
 */
export function joinParts(tensors: Tensors, file: string): void {
  const bad: Bad = (why) => new LatentGpuError('bad-format', `${file}: ${why}`);
  for (const name of [...tensors.keys()]) {
    const old = /^(.*\.)?(weight|bias)_(g|orig)$/.exec(name);
    const now = /^(.*\.)?parametrizations\.([^.]+)\.original0?$/.exec(name);
    const [, prefix = '', leaf] = old ?? now ?? [];
    if (leaf === undefined) continue;
    const target = `${prefix}${leaf}`;
    const inner = `${prefix}parametrizations.${leaf}.`;
    const parts = old
      ? {
          g: `${target}_g`,
          v: `${target}_v`,
          whole: `${target}_orig`,
          u: `${target}_u`,
          mask: `${target}_mask`,
        }
      : {
          g: `${inner}original0`,
          v: tensors.has(`${inner}original`) ? `${inner}0._v` : `${inner}original1`,
          whole: `${inner}original`,
          u: `${inner}0._u`,
          mask: '',
        };
    const taken = Object.values(parts).filter((part) => tensors.has(part));
    const at = (part: string) => tensors.get(part);
    const [g, v, whole, u, mask] = [
      at(parts.g),
      at(parts.v),
      at(parts.whole),
      at(parts.u),
      at(parts.mask),
    ];
    const joined =
      g && v
        ? weightNorm(g, v, bad)
        : whole && u
          ? spectralNorm(whole, u, v, bad)
          : whole && mask
            ? masked(whole, mask, bad)
            : undefined;
    const others = [...tensors.keys()].filter(
      (key) => key.startsWith(inner) && !taken.includes(key),
    );
    if (!joined || others.length > 0) {
      const module = inPython(`model.${prefix.slice(0, -1)}`);
      throw bad(
        `${quote(others[0] ?? name)} is part of a parametrisation that is not known here; before saving, torch.nn.utils.parametrize.remove_parametrizations(${module}, '${leaf}')`,
      );
    }
    for (const part of taken) tensors.delete(part);
    tensors.set(target, joined);
  }
}

/** The numbers of a tensor. */
function floats(
  { from, data, dtype, doubles }: ForeignTensor,
  bad: Bad,
): Float32Array | Float64Array {
  if (doubles) return doubles;
  if (data instanceof Float32Array) return data;
  throw bad(`${quote(from)} is of type ${dtype}; weights are of a float type`);
}

function withData(of: ForeignTensor, data: Float64Array, how: string): ForeignTensor {
  const { doubles: _, ...rest } = of;
  return { ...rest, data: Float32Array.from(data), how: [how, ...of.how] };
}

/** Salimans & Kingma 2016; g has extent 1 where v is summed over. */
function weightNorm(g: ForeignTensor, v: ForeignTensor, bad: Bad): ForeignTensor {
  const [scale, direction] = [floats(g, bad), floats(v, bad)];
  const fits =
    g.shape.length === v.shape.length && g.shape.every((n, d) => n === 1 || n === v.shape[d]);
  if (g.shape.length > 0 && !fits) {
    throw bad(
      `${quote(g.from)} ${shapeText(g.shape)} is not the norm of ${quote(v.from)} ${shapeText(v.shape)}`,
    );
  }
  const group = new Uint32Array(direction.length);
  // The element of g that an element of v belongs to.
  for (let i = 0; g.shape.length > 0 && i < direction.length; i++) {
    let [rest, index, stride] = [i, 0, 1];
    for (let d = v.shape.length - 1; d >= 0; d--) {
      const extent = v.shape[d] as number;
      if (g.shape[d] !== 1) {
        index += (rest % extent) * stride;
        stride *= extent;
      }
      rest = Math.floor(rest / extent);
    }
    group[i] = index;
  }
  const squares = new Float64Array(scale.length);
  direction.forEach((value, i) => {
    squares[group[i] as number] = (squares[group[i] as number] as number) + value * value;
  });
  const result = Float64Array.from(direction, (value, i) => {
    const j = group[i] as number;
    return ((scale[j] as number) * value) / Math.sqrt(squares[j] as number);
  });
  return withData(v, result, 'weight norm folded');
}

/** Miyato et al. 2018. Without v, as old files are, one step of the power iteration gives it. */
function spectralNorm(
  w: ForeignTensor,
  u: ForeignTensor,
  v: ForeignTensor | undefined,
  bad: Bad,
): ForeignTensor {
  const weight = floats(w, bad);
  const rows = w.shape[0] ?? 1;
  const columns = weight.length / rows;
  const [first, second] = [floats(u, bad), v && floats(v, bad)];
  const fits = (n: number, m: number) => first.length === n && (second?.length ?? m) === m;
  if (!fits(rows, columns) && !fits(columns, rows)) {
    const parts = [u, ...(v ? [v] : [])].map(
      ({ from, shape }) => `${quote(from)} ${shapeText(shape)}`,
    );
    throw bad(
      `${parts.join(' and ')} are not the singular vectors of ${quote(w.from)} ${shapeText(w.shape)}`,
    );
  }
  const isAlongRows = fits(rows, columns);
  const product = new Float64Array(isAlongRows ? columns : rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const [from, to] = isAlongRows ? [i, j] : [j, i];
      const value = weight[i * columns + j] as number;
      product[to] = (product[to] as number) + (first[from] as number) * value;
    }
  }
  const sigma = second
    ? product.reduce((sum, value, j) => sum + value * (second[j] as number), 0)
    : Math.sqrt(product.reduce((sum, value) => sum + value * value, 0));
  if (!(Math.abs(sigma) > 0)) throw bad(`${quote(w.from)} has the spectral norm ${sigma}`);
  return withData(
    w,
    Float64Array.from(weight, (value) => value / sigma),
    'spectral norm folded',
  );
}

function masked(w: ForeignTensor, mask: ForeignTensor, bad: Bad): ForeignTensor {
  if (mask.shape.join() !== w.shape.join()) {
    throw bad(
      `${quote(mask.from)} ${shapeText(mask.shape)} is no mask of ${quote(w.from)} ${shapeText(w.shape)}`,
    );
  }
  const weight = floats(w, bad);
  return withData(
    w,
    Float64Array.from(weight, (value, i) => value * Number(mask.data[i])),
    'pruned',
  );
}
