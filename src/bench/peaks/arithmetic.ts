// Arithmetic that never leaves the registers, by type: multiply-adds of one number or four at a time,
// and dot products of four 8-bit integers.
import { benchDot, benchFma } from '../../kernels/shaders.gen.ts';
import { specialize } from '../../kernels/specialize.ts';
import { NO_WORK, type PeakKind } from '../roofline.ts';
import { type Peak, WORKGROUP } from './peak.ts';

const [ITERATIONS, UNROLL] = [128, 8];

interface Numbers {
  readonly name: string;
  readonly kind: PeakKind;
  readonly scalar: 'f32' | 'f16';
  /** Numbers that an instruction takes. */
  readonly width: 1 | 4;
  /** Independent chains an invocation: too few wait for each other, too many leave the registers. */
  readonly chains: readonly number[];
}

const kinds: readonly Numbers[] = [
  { name: 'fused multiply-adds', kind: 'fma', scalar: 'f32', width: 4, chains: [4, 6, 8] },
  { name: 'f32 multiply-adds, scalar', kind: 'fma f32', scalar: 'f32', width: 1, chains: [8, 16] },
  { name: 'f16 multiply-adds, vector', kind: 'fma f16', scalar: 'f16', width: 4, chains: [4, 8] },
  { name: 'f16 multiply-adds, scalar', kind: 'fma f16', scalar: 'f16', width: 1, chains: [8, 16] },
];

/** acc a + b settles at 1: neither zeros nor infinities are multiplied, in either type. */
const halves = { f32: new Float32Array(8).fill(0.5), f16: new Uint16Array(16).fill(0x3800) };

export function multiplyAdds(workgroups: number): Peak[] {
  const invocations = workgroups * WORKGROUP;
  return kinds.map(({ name, kind, scalar, width, chains }) => {
    const enable = scalar === 'f16' ? 'enable f16;\n' : '';
    const number = width === 4 ? `vec4<${scalar}>` : scalar;
    const hooks = { number: `${enable}alias Scalar = ${scalar};\nalias Number = ${number};` };
    return {
      name,
      kind,
      buffers: [
        { kind: 'read', bytes: 32, data: halves[scalar] },
        { kind: 'write', bytes: 16 * invocations },
      ],
      variants: chains.map((count) => ({
        code: specialize(benchFma, {
          constants: { ACCUMULATORS: count, ITERATIONS, UNROLL, WORKGROUP },
          hooks,
        }),
        workgroups,
        work: { ...NO_WORK, flops: 2 * width * count * UNROLL * ITERATIONS * invocations },
      })),
      ...(scalar === 'f16' && { needs: 'shader-f16' }),
    };
  });
}

/** Four products, three sums and one more to the chain: 8 operations. */
export function dotProducts(workgroups: number): Peak {
  const invocations = workgroups * WORKGROUP;
  return {
    name: '8-bit dot products',
    kind: 'dot',
    buffers: [
      { kind: 'read', bytes: 16, data: Uint32Array.of(0x01020304, 0x7f80ff01, 0, 0) },
      { kind: 'write', bytes: 4 * invocations },
    ],
    variants: [4, 8].map((count) => ({
      code: specialize(benchDot, {
        constants: { ACCUMULATORS: count, ITERATIONS, UNROLL, WORKGROUP },
      }),
      workgroups,
      work: { ...NO_WORK, flops: 8 * count * UNROLL * ITERATIONS * invocations },
    })),
    needs: 'packed_4x8_integer_dot_product',
  };
}
