/** Model folders with random weights, and a server for them and for pages. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { build } from 'vite';
import type { Category } from '../../src/categories.ts';
import type { Standardization } from '../../src/data/standardize.ts';
import type { Variable } from '../../src/graph/variable.ts';
import {
  buildModel,
  type CodeConfig,
  type CodedConfig,
  type LikelihoodConfig,
  type Model,
  type ModelConfig,
  modelJson,
  writeWeights,
} from '../../src/models/index.ts';
import type { Activation } from '../../src/ops/index.ts';
import { Random } from '../../src/random.ts';
import type { Sampler } from '../../src/sampler/index.ts';
import { ROOT } from './cli.ts';

export const DIGITS = join(ROOT, 'tests/fixtures/digits-vae');

export interface Decoder {
  family?: string;
  shape: number[];
  latent: number;
  hidden: number[];
  activation: Activation;
  likelihood: LikelihoodConfig;
  /** Default: real numbers. `latent` is then groups × classes. */
  code?: CodeConfig;
  prior?: 'uniform' | 'learned';
  standardization?: Standardization;
  /** Columns of words. */
  categories?: readonly Category[];
}

export interface MadeModel {
  config: ModelConfig & CodedConfig;
  model: Model;
  values: Map<Variable, Float32Array>;
}

/** A model of random weights, of a size that keeps a deep network alive. */
export function makeModel(decoder: Decoder, seed = 1): MadeModel {
  const { family = 'vae', shape, latent, hidden, activation, likelihood, code, prior } = decoder;
  const isPlain = family !== 'ae' && code === undefined;
  const config: ModelConfig & CodedConfig = {
    family,
    data: {
      shape,
      ...(decoder.standardization && { standardized: true }),
      ...(decoder.categories && { categories: decoder.categories }),
    },
    encoder: { hidden: [], activation },
    latent,
    decoder: { hidden, activation },
    likelihood,
    ...(isPlain && { objective: { bound: 'elbo', samples: 1, kl: 'analytic', beta: 1 } }),
    ...(code && { code, prior: { kind: prior ?? 'uniform' } }),
    init: 'torch',
  };
  const model = buildModel(config);
  const values = new Map(
    model.parameters().map((parameter, i) => {
      const random = new Random(seed, 1, i);
      const { shape: extents, size } = parameter;
      const bound = extents.length === 2 ? 2 / Math.sqrt(extents[1] as number) : 0.5;
      return [parameter, Float32Array.from({ length: size }, () => random.uniform(-bound, bound))];
    }),
  );
  return { config, model, values };
}

export function writeModel(
  folder: string,
  { config, values }: MadeModel,
  standardization?: Standardization,
): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.json'), modelJson(config));
  writeFileSync(join(folder, 'weights.safetensors'), writeWeights(values, standardization));
  return folder;
}

/** Builds the sampler as it is published, and returns its text. */
export async function buildSampler(outDir: string): Promise<string> {
  await build({
    root: ROOT,
    configFile: join(ROOT, 'vite.config.ts'),
    mode: 'sampler',
    logLevel: 'error',
    build: { outDir },
  });
  return readFileSync(join(outDir, 'sampler.js'), 'utf8');
}

export type Body = string | Uint8Array;

/** Serves files by their paths; what is not there is answered with 404. */
export async function serveFiles(
  files: ReadonlyMap<string, Body>,
  headers: Readonly<Record<string, string>> = {},
) {
  const types: Record<string, string> = {
    html: 'text/html',
    js: 'text/javascript',
    mjs: 'text/javascript',
  };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const body = files.get(path);
    const type = types[path.split('.').at(-1) as string] ?? 'application/octet-stream';
    if (path === '/favicon.ico') response.writeHead(204).end();
    else if (body === undefined) response.writeHead(404).end('nothing here');
    else response.writeHead(200, { 'content-type': type, ...headers }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Has a server offer a model folder under `/models`. */
export function putModel(files: Map<string, Body>, name: string, folder: string): void {
  for (const file of readdirSync(folder)) {
    files.set(`/models/${name}/${file}`, readFileSync(join(folder, file)));
  }
}

/** The pixels of the README's page, once it has drawn, and those that `reference` would give it. */
export async function grids(page: Page, reference: Sampler): Promise<[number[], number[]]> {
  await page.waitForFunction(() => document.getElementById('status')?.textContent);
  const shown = await page.$eval('#grid', (element) => {
    const canvas = element as HTMLCanvasElement;
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    return [...context.getImageData(0, 0, canvas.width, canvas.height).data];
  });
  const images = await reference.sample(64, { seed: 7 });
  const expected: number[] = [];
  for (let y = 0; y < 128; y++) {
    for (let x = 0; x < 128; x++) {
      const image = Math.floor(y / 16) * 8 + Math.floor(x / 16);
      const grey = Math.round(255 * (images[image * 256 + (y % 16) * 16 + (x % 16)] as number));
      expected.push(grey, grey, grey, 255);
    }
  }
  return [shown, expected];
}
