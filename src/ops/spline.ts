// Monotone rational-quadratic splines of elements, with parameters for each of them.
// Durkan, Bekasov, Murray and Papamakarios 2019.
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { type Shader, spline, splineGradient } from '../kernels/shaders.gen.ts';
import { checkTypes } from './operand-type.ts';
import { slice } from './pieces.ts';
import { type SplineForm, type SplinePoint, splineAt } from './reference/spline.ts';
import { unknownGradient } from './unknown-gradient.ts';
import { reshape } from './views.ts';

export type { SplineForm } from './reference/spline.ts';

const WORKGROUP = { software: 4, gpu: 64 } as const;

const formOf = (node: Tensor) => node.attrs as unknown as SplineForm;

function setup<S extends 'spline' | 'spline_gradient'>(
  node: Tensor,
  shader: Shader<S>,
  isSoftware: boolean,
) {
  const x = node.inputs[0] as Tensor;
  const width = x.shape.at(-1) as number;
  const { bins, bound, inverse } = formOf(node);
  const workgroup = isSoftware ? WORKGROUP.software : WORKGROUP.gpu;
  return {
    shader,
    constants: {
      ROWS: x.size / width,
      WIDTH: width,
      BINS: bins,
      BOUND: bound,
      INVERSE: String(inverse),
      WORKGROUP: workgroup,
    },
    workgroups: Math.ceil(x.size / workgroup),
    flops: 20 * bins * x.size,
  };
}

/** Calls `visit` with each element's spline, its place and those of its parameters. */
function forEachPoint(
  inputs: NdArray[],
  form: SplineForm,
  visit: (point: SplinePoint, at: number, places: readonly number[]) => void,
): void {
  const [x, parameters] = inputs as [NdArray, NdArray];
  const width = x.shape.at(-1) as number;
  const count = 3 * form.bins - 1;
  x.data.forEach((value, at) => {
    const column = at % width;
    const first = (at - column) * count + column;
    const places = Array.from({ length: count }, (_, i) => first + i * width);
    const own = places.map((place) => parameters.data[place] as number);
    visit(splineAt(value, own, form), at, places);
  });
}

const splineOp = defineOp({
  name: 'spline',
  kind: 'kernel',
  vjp: (node, gradient) => {
    const [x, parameters] = node.inputs as [Tensor, Tensor];
    const size = x.size + parameters.size;
    const inputs = [x, parameters, gradient];
    const both = new Tensor(gradientOp, inputs, [size], 'f32', node.attrs);
    return [
      reshape(slice(both, 0, 0, x.size), x.shape),
      reshape(slice(both, 0, x.size, size), parameters.shape),
    ];
  },
  reference: (inputs, node) => {
    const result = ndarray(node.shape);
    const half = node.size / 2;
    forEachPoint(inputs, formOf(node), ({ value, logSlope }, at) => {
      result.data[at] = value;
      result.data[half + at] = logSlope;
    });
    return result;
  },
  kernel: (node, { isSoftware }) => setup(node, spline, isSoftware),
});

const gradientOp = defineOp({
  name: 'splineGradient',
  kind: 'kernel',
  vjp: unknownGradient('a gradient of a spline'),
  reference: (inputs, node) => {
    const [x, , gradient] = inputs as [NdArray, NdArray, NdArray];
    const size = x.data.length;
    const result = ndarray(node.shape);
    forEachPoint(inputs, formOf(node), ({ gradients }, at, places) => {
      const given = [at, size + at].map((i) => gradient.data[i] as number);
      const { x: own, parameters } = gradients(...(given as [number, number]));
      result.data[at] = own;
      places.forEach((place, i) => {
        result.data[size + place] = parameters[i] as number;
      });
    });
    return result;
  },
  kernel: (node, { isSoftware }) => setup(node, splineGradient, isSoftware),
});

/**
 * Splines of x [..., W] with parameters [..., (3 · bins - 1) · W], blocks of W one after the other: logits
 * of widths, of heights, and slopes. Values and the logarithms of slopes, in one kernel; gradients in
 * another, of the first order only.
 *
 * @throws LatentGpuError `shape-mismatch`
 * @example rationalQuadratic(full([1], 0.5), zeros([11]), { bins: 4, bound: 3 }).value // [0.5]
 */
export function rationalQuadratic(
  x: Tensor,
  parameters: Tensor,
  { bins, bound, inverse = false }: Omit<SplineForm, 'inverse'> & { readonly inverse?: boolean },
): { readonly value: Tensor; readonly logSlope: Tensor } {
  const wanted = [...x.shape.slice(0, -1), (3 * bins - 1) * (x.shape.at(-1) ?? 0)];
  if (x.rank === 0 || parameters.shape.join() !== wanted.join()) {
    throw new LatentGpuError(
      'shape-mismatch',
      `a spline of ${bins} bins needs parameters [${wanted.join(', ')}] for ${x}, not ${parameters}`,
    );
  }
  checkTypes('rationalQuadratic', [x, parameters]);
  const form: SplineForm = { bins, bound, inverse };
  const both = new Tensor(splineOp, [x, parameters], [2, ...x.shape], 'f32', { ...form });
  const part = (i: number) => reshape(slice(both, 0, i, i + 1), x.shape);
  return { value: part(0), logSlope: part(1) };
}
