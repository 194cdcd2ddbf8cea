/**
 * A device with the lowest limits that the standard allows, those of its compatibility mode, and with
 * no optional feature: neither subgroups nor timestamps nor float16.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDevice } from '../src/device/index.ts';
import { loadCases } from './rig/all.ts';
import { bySuite } from './rig/cases.ts';
import { CaseRunner } from './rig/runner.ts';
import { selected } from './rig/selection.ts';

const LOWEST = { features: [], storageBuffers: 8, featureLevel: 'compatibility' } as const;
const runner = new CaseRunner(LOWEST);
// What the device itself may do is another matter there.
const cases = selected(await loadCases(), ['device']);

describe('with the lowest limits', () => {
  beforeAll(async () => {
    console.log(`adapter in Node.js: ${await runner.start()}`);
  });
  afterAll(() => runner.stop());

  test('are what the device has', async () => {
    const device = await openDevice(LOWEST);
    const { limits } = device.gpu;
    expect([...device.features]).toEqual([]);
    expect(limits.maxComputeInvocationsPerWorkgroup).toBe(128);
    expect(limits.maxComputeWorkgroupSizeX).toBe(128);
    expect(limits.maxUniformBufferBindingSize).toBe(16384);
    expect(limits.maxStorageBuffersPerShaderStage).toBe(8);
    device.destroy();
  });

  for (const [suite, members] of bySuite(cases)) {
    describe(suite, { concurrent: members[0]?.company === 'any' }, () => {
      for (const each of members) test(each.name, () => runner.run(each), each.timeout + 10_000);
    });
  }
});
