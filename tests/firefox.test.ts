import { loadCases } from './rig/all.ts';
import { selected } from './rig/selection.ts';
import { describeOn } from './rig/suite.ts';

describeOn('firefox', selected(await loadCases()));
