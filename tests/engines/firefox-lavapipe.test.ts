/** A second driver: Mesa's software Vulkan, whose arithmetic is not SwiftShader's. */
import { ensureLavapipe } from '../../src/device/install.ts';
import { loadCases } from '../rig/all.ts';
import { describeOn } from '../rig/suite.ts';

process.env.VK_DRIVER_FILES = ensureLavapipe();
describeOn('firefox', await loadCases(), 'firefox on lavapipe');
