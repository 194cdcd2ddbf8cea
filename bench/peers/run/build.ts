// Bundles the pages, and what a page needs to draw from a trained VAE in each engine.
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type InlineConfig, type Plugin, type PreviewServer, preview } from 'vite';
import { shaderPlugin } from '../../../shaders/build/plugin.ts';
import { writeSafetensors } from '../../../src/formats/safetensors.ts';
import { type Layer, VAE, vaeLayers } from '../inputs.ts';
import { decoderModel } from '../onnx/models.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const ENTRY = 'virtual:sampler';

/** Names of all peers, this library first. */
export async function peerNames(): Promise<string[]> {
  const files = (await readdir(path('../peers'))).filter((file) => file.endsWith('.ts'));
  const names = files.map((file) => file.replace('.ts', ''));
  return ['latentgpu', ...names.filter((name) => name !== 'latentgpu').sort()];
}

/**
 * TensorFlow.js sends its threads the text of a function that refers to a variable around it, which
 * does not survive a minifier: the function gets that variable itself.
 */
const tfjsThreads: Plugin = {
  name: 'tfjs-threads',
  enforce: 'pre',
  transform(code, id) {
    if (!id.includes('tfjs-backend-wasm-threaded-simd.js')) return undefined;
    const head = 'function(WasmBackendModuleThreadedSimd) {';
    if (!code.includes(head)) throw new Error(`${id} is not what it was`);
    return { code: code.replace(head, `${head} var _scriptDir;`), map: null };
  },
};

const common: InlineConfig = {
  configFile: false,
  logLevel: 'error',
  plugins: [shaderPlugin(), tfjsThreads],
};
const output = { target: 'esnext', modulePreload: false, assetsInlineLimit: 0 } as const;

/** Where a peer's sampler is: in a file of its own, or among the rest. */
function samplerOf(name: string): string {
  const own = path(`../peers/${name}/sampler.ts`);
  return existsSync(own) ? own : path(`../peers/${name}.ts`);
}

/** The small runtime as the package has it, which pages bundle. */
const packaged: Plugin = {
  name: 'packaged-sampler',
  enforce: 'pre',
  async resolveId(source, importer) {
    const found = await this.resolve(source, importer, { skipSelf: true });
    if (found?.id !== path('../../../src/sampler/index.ts')) return undefined;
    const built = path('../../../dist/sampler.js');
    if (existsSync(built)) return built;
    throw new Error(`${built} is missing; run \`npm run build\` first`);
  },
};

/** Only what the sampler of a peer needs: a bundler drops the rest. */
async function buildSampler(dist: string, name: string): Promise<void> {
  await build({
    ...common,
    root: path('../page'),
    base: './',
    plugins: [
      ...(common.plugins ?? []),
      packaged,
      {
        name: 'sampler-entry',
        resolveId: (id) => (id === ENTRY ? `\0${ENTRY}` : undefined),
        load: (id) =>
          id === `\0${ENTRY}`
            ? `import { sampler } from ${JSON.stringify(samplerOf(name))}; globalThis.sampler = sampler;`
            : undefined,
      },
    ],
    build: {
      ...output,
      outDir: join(dist, 'samplers', name),
      emptyOutDir: true,
      rolldownOptions: {
        input: ENTRY,
        output: { entryFileNames: 'sampler.js' },
        // As with the package's entry of its own for drawing, which reaches nothing else of it.
        treeshake: { moduleSideEffects: (id) => !id.startsWith(path('../../../src/')) },
      },
    },
  });
  const page =
    '<!doctype html><link rel="icon" href="data:,"><script type="module" src="sampler.js">';
  await writeFile(join(dist, 'samplers', name, 'index.html'), `${page}</script>\n`);
}

/** PyTorch's layout of a weight: [to, from]. */
function transposed({ weight, from, to }: Layer): Float32Array {
  return Float32Array.from({ length: from * to }, (_, i) => {
    return weight[(i % from) * to + Math.floor(i / from)] as number;
  });
}

/** The trained model in the forms in which engines load it. */
async function writeModels(dist: string): Promise<void> {
  const folder = join(dist, 'models', 'vae');
  await mkdir(folder, { recursive: true });
  const net = { hidden: [VAE.hidden], activation: 'relu' };
  const description = {
    format: 1,
    family: 'vae',
    data: { shape: [28, 28] },
    encoder: net,
    latent: VAE.latent,
    decoder: net,
    likelihood: { kind: 'bernoulli' },
  };
  const { encoder, decoder } = vaeLayers();
  const tensors = [...encoder, ...decoder].flatMap((layer) => [
    [`${layer.name}.weight`, { shape: [layer.to, layer.from], data: transposed(layer) }] as const,
    [`${layer.name}.bias`, { shape: [layer.to], data: layer.bias }] as const,
  ]);
  await writeFile(join(folder, 'model.json'), JSON.stringify(description));
  await writeFile(join(folder, 'weights.safetensors'), writeSafetensors(tensors));
  const plain = decoder.map(({ weight, bias, ...rest }) => ({
    ...rest,
    weight: [...weight],
    bias: [...bias],
  }));
  await writeFile(join(dist, 'models', 'decoder.json'), JSON.stringify(plain));
  await writeFile(join(dist, 'models', 'decoder.onnx'), decoderModel(decoder));
}

/**
 * @param dist where all of it goes
 * @param samplers whose bundles are to be measured
 */
export async function buildAll(dist: string, samplers: readonly string[]): Promise<void> {
  await build({
    ...common,
    root: path('../page'),
    build: { ...output, outDir: dist, emptyOutDir: true },
  });
  await writeModels(dist);
  for (const name of samplers) await buildSampler(dist, name);
}

/** Serves what was built, to pages that may share memory between threads. */
export async function serve(dist: string): Promise<{ address: string; server: PreviewServer }> {
  const server = await preview({
    configFile: false,
    logLevel: 'error',
    root: path('../page'),
    build: { outDir: dist },
    preview: {
      host: 'localhost',
      port: 0,
      headers: {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      },
    },
  });
  const address = server.resolvedUrls?.local[0];
  if (!address) throw new Error('the server has no address');
  return { address, server };
}
