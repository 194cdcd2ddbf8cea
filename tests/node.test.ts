import { afterAll, beforeAll, describe, test } from 'vitest';
import { loadCases } from './rig/all.ts';
import { bySuite } from './rig/cases.ts';
import { CaseRunner } from './rig/runner.ts';

const runner = new CaseRunner();
const cases = await loadCases();

describe('node', () => {
  beforeAll(async () => {
    console.log(`adapter in Node.js: ${await runner.start()}`);
  });
  afterAll(() => runner.stop());

  for (const [suite, members] of bySuite(cases)) {
    describe(suite, { concurrent: members[0]?.company === 'any' }, () => {
      for (const each of members) test(each.name, () => runner.run(each), each.timeout + 10_000);
    });
  }
});
