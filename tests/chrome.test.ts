import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCases } from './rig/all.ts';
import { bySuite } from './rig/cases.ts';
import { ChromeHost } from './rig/chrome.ts';

let chrome: ChromeHost | null = null;
const cases = await loadCases();

describe('chrome', () => {
  beforeAll(async () => {
    chrome = await ChromeHost.open();
    console.log(`adapter in Chrome: ${await chrome.start()}`);
  }, 120_000);
  afterAll(() => chrome?.close(), 30_000);

  test('opens a device in a worker', async () => {
    expect(await (chrome as ChromeHost).startWorker()).toMatch(/ware, worker, navigator\.gpu$/);
  });

  for (const [suite, members] of bySuite(cases)) {
    describe(suite, { concurrent: members[0]?.isConcurrent ?? false }, () => {
      for (const each of members) {
        test(each.name, () => (chrome as ChromeHost).run(each), each.timeout + 10_000);
      }
    });
  }
});
