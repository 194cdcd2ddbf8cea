// A page that names one op.
import { ops } from 'latentgpu';

globalThis.outcome = typeof ops.add;
