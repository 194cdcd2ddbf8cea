/** Declares cases as tests on Chrome, Firefox or Deno. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HOST_NAMES } from '../../src/testing/host.ts';
import type { Elsewhere } from '../../src/testing/starts.ts';
import { bySuite, type Case } from './cases.ts';
import { RemoteRig } from './remote.ts';

/**
 * How many times as long a case may take where each is asked of each engine: drivers that compile slowly are
 * among them, and whatever else the machine does goes on beside hours of work.
 */
const patience = process.env.LATENTGPU_TEST_CASES === 'all' ? 4 : 1;

/** @param name what the tests are called; default: as the engine */
export function describeOn(kind: Elsewhere, cases: readonly Case[], name: string = kind): void {
  let rig: RemoteRig;

  describe(name, () => {
    beforeAll(async () => {
      rig = await RemoteRig.open(kind);
      console.log(`adapter in ${HOST_NAMES[kind]}: ${await rig.start()}`);
    }, 120_000);
    afterAll(() => rig?.close(), 30_000);

    test('opens a device in a worker', async () => {
      expect(await rig.startWorker()).toMatch(/ware, (worker|deno), navigator\.gpu$/);
    });

    for (const [suite, members] of bySuite(cases)) {
      describe(suite, { concurrent: members[0]?.isConcurrent ?? false }, () => {
        for (const each of members) {
          const allowed = { ...each, timeout: each.timeout * patience };
          test(each.name, () => rig.run(allowed), 2 * allowed.timeout + 20_000);
        }
      });
    }
  });
}
