import { loadCases } from './rig/all.ts';
import { describeOn } from './rig/suite.ts';

describeOn('chrome', await loadCases());
