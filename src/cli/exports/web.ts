// latentgpu export --to web: a folder for a page, with the small runtime beside it.
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { isLatentGpuError, LatentGpuError } from '../../errors.ts';
import { obstacleTo } from '../../formats/atomic.node.ts';
import { page, webFiles } from '../../interchange/web/folder.ts';
import { MODEL_FILE, modelJson, WEIGHTS_FILE, writeWeights } from '../../models/index.ts';
import { PROGRAM } from '../../sampler/network.ts';
import { CHANGING, commitFiles } from '../../training/commit.node.ts';
import type { Context } from '../common/command.ts';
import { loadModel } from '../common/device.ts';
import { table } from '../common/text.ts';
import { version } from '../common/version.ts';
import { fittedFor, type PriorChoice } from '../data/source.ts';

const SAMPLER = 'sampler.js';
const PAGE = 'index.html';
const PLAYER = 'sampler-program.js';
const FILES = [MODEL_FILE, WEIGHTS_FILE, PROGRAM, SAMPLER, PLAYER, PAGE];

/** The small runtime, which lies beside the command line. */
async function runtime(file: string): Promise<Uint8Array> {
  const path = fileURLToPath(new URL(`./${file}`, import.meta.url));
  return await readFile(path).catch((cause: Error) => {
    throw new LatentGpuError('io', `${path}: ${cause.message}; build it with npm run build`, {
      cause,
    });
  });
}

/** Nothing of somebody else's is overwritten. */
async function checkFolder(folder: string): Promise<void> {
  const why = await obstacleTo(folder);
  if (why) throw new LatentGpuError('bad-input', `--out ${folder || "''"}: ${why}`);
  const there: string[] = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [] as string[];
    throw new LatentGpuError(
      'bad-input',
      `--out ${folder}: no folder can be written there (${cause.code})`,
    );
  });
  const other = there.find((name) => ![...FILES, ...CHANGING].includes(name));
  const isModel = there.includes(WEIGHTS_FILE) && !there.includes(PAGE);
  if (other === undefined && !isModel) return;
  const what = isModel ? 'a model' : `'${other}'`;
  throw new LatentGpuError('bad-input', `--out ${folder} holds ${what}; name a new folder`);
}

export interface WebOptions {
  /** float16 weights. */
  readonly isHalf: boolean;
  /** Where codes are drawn from; default: as `sample` has it. */
  readonly prior: PriorChoice | undefined;
}

export async function exportWeb(
  dir: string,
  folder: string,
  { isHalf, prior: asked }: WebOptions,
  { out }: Context,
): Promise<void> {
  await checkFolder(folder);
  const loaded = await loadModel(dir, out);
  const { config, weights, buffers, standardization } = loaded;
  const prior = await fittedFor(dir, loaded.model, asked);
  const description = modelJson(config, version);
  const stored = writeWeights(weights, standardization, buffers);
  const made = (() => {
    try {
      return webFiles({ ...loaded, description, stored, prior }, isHalf, dir);
    } catch (error) {
      if (!isLatentGpuError(error, 'bad-input')) throw error;
      throw new LatentGpuError('bad-input', `${dir} is not exported: ${error.message}`);
    }
  })();
  const isPlayed = made.some(([name]) => name === PROGRAM);
  const files: [string, Uint8Array][] = [
    ...made.map(([name, bytes]): [string, Uint8Array] => [name, bytes]),
    [SAMPLER, await runtime(SAMPLER)],
    ...(isPlayed ? [[PLAYER, await runtime(PLAYER)] as [string, Uint8Array]] : []),
    [PAGE, new TextEncoder().encode(page)],
  ];
  // What an earlier export left and this one has no use for goes.
  const none = Object.fromEntries(FILES.map((name) => [name, null]));
  await commitFiles(folder, { ...none, ...Object.fromEntries(files) });
  const sizes = files.map(([name, bytes]) => ({
    file: name,
    bytes: bytes.length,
    gzipped: gzipSync(bytes, { level: 9 }).length,
  }));
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`;
  const total = {
    bytes: sum(sizes.map(({ bytes }) => bytes)),
    gzipped: sum(sizes.map(({ gzipped }) => gzipped)),
  };
  out.result(
    { format: 'web', folder, files: sizes, ...total },
    out.quiet
      ? ''
      : table([
          ['file', 'size', 'gzipped'],
          ...sizes.map(({ file, bytes, gzipped }) => [file, kib(bytes), kib(gzipped)]),
          [folder, kib(total.bytes), kib(total.gzipped)],
        ]),
  );
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
