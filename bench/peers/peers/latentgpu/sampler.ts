// What a page bundles to draw from a trained model: the small runtime by its own entry, as the package has it.
import { load } from '../../../../src/sampler/index.ts';
import type { OpenSampler } from '../../engine.ts';

export const sampler: OpenSampler = async (backend, { folder }) => {
  const model = await load(folder, backend === 'wasm' ? { backend: 'javascript' } : {});
  return {
    sample: (count, seed) => model.sample(count, { seed }),
    decode: (z) => model.decode(z),
    dispose: () => model.destroy(),
  };
};
