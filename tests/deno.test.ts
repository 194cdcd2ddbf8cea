import { loadCases } from './rig/all.ts';
import { selectedForOther } from './rig/selection.ts';
import { describeOn } from './rig/suite.ts';

describeOn('deno', selectedForOther(await loadCases()));
