/** Long files first, so that two workers end together, also where nothing is remembered of earlier runs. */
import { basename } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those that take longest, the longest first. */
const LONG = [
  'deno',
  'node',
  'chrome',
  'firefox',
  'demo-faults',
  'lab',
  'testing',
  'flow-families',
  'sampler-families',
  'firefox-pages',
  'engines-agree',
  'processes',
  'consumers',
  'demo-train',
  'demo-bench',
];

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONG.indexOf(basename(moduleId, '.test.ts'));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
