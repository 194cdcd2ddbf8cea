/** Model folders with random weights, and a server for them and for pages. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'vite';
import type { Standardization } from '../../src/data/standardize.ts';
import type { Variable } from '../../src/graph/variable.ts';
import {
  buildModel,
  type CodedConfig,
  type LikelihoodConfig,
  type Model,
  type ModelConfig,
  modelJson,
  writeWeights,
} from '../../src/models/index.ts';
import type { Activation } from '../../src/ops/index.ts';
import { Random } from '../../src/random.ts';
import { ROOT } from './cli.ts';

export const DIGITS = join(ROOT, 'tests/fixtures/digits-vae');

export interface Decoder {
  family?: string;
  shape: number[];
  latent: number;
  hidden: number[];
  activation: Activation;
  likelihood: LikelihoodConfig;
  standardization?: Standardization;
}

export interface MadeModel {
  config: ModelConfig & CodedConfig;
  model: Model;
  values: Map<Variable, Float32Array>;
}

/** A model of random weights, of a size that keeps a deep network alive. */
export function makeModel(decoder: Decoder, seed = 1): MadeModel {
  const { family = 'vae', shape, latent, hidden, activation, likelihood } = decoder;
  const config: ModelConfig & CodedConfig = {
    family,
    data: { shape, ...(decoder.standardization && { standardized: true }) },
    encoder: { hidden: [], activation },
    latent,
    decoder: { hidden, activation },
    likelihood,
    ...(family !== 'ae' && { objective: { bound: 'elbo', samples: 1, kl: 'analytic', beta: 1 } }),
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
