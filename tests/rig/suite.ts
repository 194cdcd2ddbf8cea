/** Declares cases as tests on Chrome, Firefox or Deno. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HOST_NAMES } from '../../src/testing/host.ts';
import type { Elsewhere } from '../../src/testing/starts.ts';
import { bySuite, type Case, COMPANY_MILLISECONDS } from './cases.ts';
import { RemoteRig } from './remote.ts';

/**
 * How many times as long a case may take where each is asked of each engine: drivers that compile slowly are
 * among them, and whatever else the machine does goes on beside hours of work.
 */
const patience = process.env.LATENTGPU_TEST_CASES === 'all' ? 4 : 1;

/** Suites with their cases; those that are alone come last, so that the others are one group. */
function withCompany(cases: readonly Case[]): [string, Case[]][] {
  const isAlone = ([, [first]]: [string, Case[]]) => first?.company === 'none';
  const suites = [...bySuite(cases)];
  return [...suites.filter((suite) => !isAlone(suite)), ...suites.filter(isAlone)];
}

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

    // Suites run side by side: Deno looks at its GPU a hundred times a second and Firefox ten times, and
    // whoever waits for one reading after the other leaves the processor idle meanwhile.
    for (const [suite, members] of withCompany(cases)) {
      const company = members[0]?.company;
      describe(suite, { concurrent: company !== 'none' }, () => {
        if (company === 'other suites') afterAll(() => rig?.leave(suite), 30_000);
        for (const each of members) {
          const least = company === 'none' ? 0 : COMPANY_MILLISECONDS;
          const allowed = { ...each, timeout: Math.max(each.timeout, least) * patience };
          const options = { concurrent: company === 'any', timeout: 2 * allowed.timeout + 20_000 };
          test(each.name, options, () => rig.run(allowed));
        }
      });
    }
  });
}
