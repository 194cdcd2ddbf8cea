/** Flows that learn densities of the plane to the end. Both hosts take the first steps of it. */
import { expect, test } from 'vitest';
import { PLANE_ENTROPY } from '../src/data/plane.ts';
import type { Flow } from '../src/flows/index.ts';
import { Trainer } from '../src/training/index.ts';
import { device } from './support/device.ts';
import { coupled, heldOut, totalMass } from './support/plane-flows.ts';

test.each([
  // The best normal gives 1.905 nats.
  { name: 'moons', steps: 800, most: 1.905 - 0.6 },
  { name: 'eight-gaussians', steps: 900, most: (PLANE_ENTROPY['eight-gaussians'] as number) + 0.1 },
] as const)(
  '$name: learned on draws, weighed on others, and a density still',
  async (each) => {
    const options = coupled(each.name, each.steps);
    const trainer = await Trainer.create(options, () => Promise.resolve(device));
    await trainer.run(each.steps);
    const flow = options.model as Flow;
    expect(await heldOut(trainer.runtime, flow, each.name)).toBeLessThan(each.most);
    expect(Math.abs((await totalMass(trainer.runtime, flow)) - 1)).toBeLessThan(0.01);
    trainer.runtime.destroy();
  },
  180_000,
);
