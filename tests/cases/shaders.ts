/**
 * Every file under shaders/ compiles as it stands: kernels with their default constants and hooks,
 * libraries as modules of their own.
 */
import { shaders } from '../../src/kernels/shaders.gen.ts';
import { specialize } from '../../src/kernels/specialize.ts';
import { cases } from '../rig/cases.ts';

cases('shaders', (c) => {
  c('every file compiles by itself', async (t) => {
    const { gpu } = t.device;
    const names = Object.keys(shaders);
    t.ok(names.length > 20, `there are ${names.length} shaders`);
    for (const name of names) {
      const module = gpu.createShaderModule({ label: name, code: specialize(name) });
      const { messages } = await module.getCompilationInfo();
      const errors = messages.filter(({ type }) => type === 'error');
      t.equal(
        errors.map(({ lineNum, message }) => `${name}:${lineNum}: ${message}`),
        [],
      );
    }
  });

  c('every kernel becomes a pipeline with the bindings read from it', async (t) => {
    for (const [name, shader] of Object.entries(shaders)) {
      if (shader.entryPoints.length === 0) continue;
      const layout = shader.bindings.map(({ binding, access, type }) => ({
        binding,
        kind:
          access === 'read_write'
            ? ('write' as const)
            : type
              ? ('read' as const)
              : ('uniform' as const),
      }));
      await t.device.createPipeline(name, specialize(name), layout);
    }
  });
});
