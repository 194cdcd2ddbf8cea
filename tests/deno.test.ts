import { loadCases } from './rig/all.ts';
import { describeOn } from './rig/suite.ts';

describeOn('deno', await loadCases());
