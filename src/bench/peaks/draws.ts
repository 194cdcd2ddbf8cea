// Random numbers that never leave the registers.
import { benchRandom } from '../../kernels/shaders.gen.ts';
import { specialize } from '../../kernels/specialize.ts';
import { NO_WORK } from '../roofline.ts';
import { type Peak, WORKGROUP } from './peak.ts';

export function draws(kind: 'normals' | 'uniforms', workgroups: number): Peak {
  const iterations = 32;
  const numbers = 4 * iterations * WORKGROUP * workgroups;
  return {
    name: kind === 'normals' ? 'normal draws in registers' : 'uniform draws in registers',
    kind,
    buffers: [
      { kind: 'uniform', bytes: 16, data: new Uint32Array([1, 2, 0, 0]) },
      { kind: 'write', bytes: 16 * workgroups * WORKGROUP },
    ],
    variants: [0, 1].map((converts) => ({
      code: specialize(benchRandom, {
        constants: {
          ITERATIONS: iterations,
          NORMAL: Number(kind === 'normals'),
          WORKGROUP,
          PHILOX_CONVERTS: converts,
        },
      }),
      workgroups,
      work: { ...NO_WORK, [kind]: numbers },
    })),
  };
}
