import { loadCases } from './rig/all.ts';
import { selectedForDawn } from './rig/selection.ts';
import { describeOn } from './rig/suite.ts';

describeOn('chrome', selectedForDawn(await loadCases()));
