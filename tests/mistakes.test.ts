// Whatever is wrong with what a command is given: one clear line, exit code 2, nothing written.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { writeNpy } from '../src/formats/npy.ts';
import { readSafetensors, writeSafetensors } from '../src/formats/safetensors.ts';
import { buildCli, type Run, start } from './support/cli.ts';
import { contentsOf } from './support/folders.ts';
import { perform } from './support/perform.ts';

vi.setConfig({ testTimeout: 300_000 });

const SMALL = '--batch 10 --set encoder.hidden=4 decoder.hidden=4 latent=2';
const NEW = `--steps 2 --out new ${SMALL}`;
const ROWS = '--data rows.npy';
const LONG = 'n'.repeat(300);

type Json = Record<string, never>;
type Change = (file: never) => unknown;

/** Model folders with one thing wrong, by name. */
const FOLDERS: Record<string, [file: string, change: Change]> = {
  cutModel: ['model.json', (text: string) => text.slice(0, 50)],
  emptyModel: ['model.json', () => ''],
  listModel: ['model.json', () => '[]'],
  deepModel: ['model.json', () => '[{"a":'.repeat(100_000)],
  hugeModel: ['model.json', (text: string) => text.replace('[6, 4]', '[65536, 65536]')],
  twiceModel: ['model.json', (text: string) => text.replace('"latent"', '"latent": 9, "latent"')],
  countModel: ['model.json', (text: string) => text.replace('"latent": 2', '"latent": 1e999')],
  manyModel: [
    'model.json',
    (text: string) => text.replace('"hidden": [4]', `"hidden": [${new Array(5000).fill(4)}]`),
  ],
  cutRecord: ['training.json', (text: string) => text.slice(0, 50)],
  nullRecord: ['training.json', () => 'null'],
  noConfig: ['training.json', edited((record) => ({ ...record, config: null }))],
  noData: ['training.json', edited((record) => ({ ...record, data: [] }))],
  listTest: ['training.json', edited((r) => ({ ...r, data: { ...(r.data as Json), test: [] } }))],
  noLimit: ['training.json', edited((r) => ({ ...r, data: { ...(r.data as Json), limit: -5 } }))],
  newKey: ['training.json', edited((r) => ({ ...r, config: { ...(r.config as Json), lr: 3 } }))],
  noDraws: [
    'training.json',
    edited((r) => ({ ...r, config: { ...(r.config as Json), binarize: 7 } })),
  ],
  wideBatch: [
    'training.json',
    edited((r) => ({ ...r, config: { ...(r.config as Json), batch: 1e300 } })),
  ],
  cutWeights: ['weights.safetensors', (bytes: Uint8Array) => bytes.subarray(0, 700)],
  longWeights: ['weights.safetensors', (bytes: Uint8Array) => Uint8Array.of(...bytes, 1, 2, 3)],
  emptyWeights: ['weights.safetensors', () => new Uint8Array()],
  nanWeights: ['weights.safetensors', filled('decoder.0.bias', Number.NaN)],
  infWeights: ['weights.safetensors', filled('encoder.0.weight', Number.NEGATIVE_INFINITY)],
  cutCheckpoint: ['checkpoint.safetensors', (bytes: Uint8Array) => bytes.subarray(0, 1000)],
  nanCheckpoint: ['checkpoint.safetensors', filled('parameters', Number.NaN)],
  noCheckpoint: ['checkpoint.safetensors', () => writeSafetensors([])],
};

function edited(change: (json: Record<string, unknown>) => unknown) {
  return (text: string) => JSON.stringify(change(JSON.parse(text)));
}

/** Puts a value into the middle of a tensor. */
function filled(name: string, value: number) {
  return (bytes: Uint8Array) => {
    const { tensors, metadata } = readSafetensors(bytes.slice());
    const data = tensors.get(name)?.data as Float32Array;
    data[Math.floor(data.length / 2)] = value;
    return writeSafetensors([...tensors] as never, metadata);
  };
}

/** A command and what it says; at the front, a folder or `VAR=value` that it is run with. */
const MISTAKES: readonly [line: string, why: string][] = [
  // Data.
  [`train ae --data nan.npy ${NEW}`, 'nan.npy: row 3, pixel (1, 1) holds NaN'],
  [`train vae --data inf.npy ${NEW}`, 'inf.npy: row 3, pixel (1, 1) holds Infinity'],
  [`train vae --data none.npy ${NEW}`, 'none.npy: holds no data (0 rows of [6,4])'],
  [`train vae --data empty.npy ${NEW}`, 'empty.npy is empty'],
  [`train vae --data cut.npy ${NEW}`, 'cut.npy: cut short: <f4 [40,6,4] needs 3840 bytes'],
  [`train vae --data far.npy ${NEW}`, 'far.npy: values range from -300 to 659'],
  [`train vae --data one.npy ${NEW}`, 'batch is 10 and one.npy has 1 row to train on'],
  [`train vae ${ROWS} ${NEW} --test wide.npy`, '[5, 5]'],
  ['eval m --data wide.npy', 'wide.npy has data points of [5, 5] and the model takes [6, 4]'],
  [
    'score m --data inf.npy --split train --out new.npy',
    'inf.npy: row 3, pixel (1, 1) holds Infinity',
  ],
  ['encode m --data none.npy --split train --out new.npy', 'none.npy: holds no data'],
  ['reconstruct m --data cut.npy --split train --out new.png', 'cut.npy: cut short'],
  ['latent m --data wide.npy --split train --out new.png', 'and the model takes [6, 4]'],
  ['decode m --data rows.npy --out new.npy', 'rows.npy holds [40, 6, 4] and the model takes codes'],
  ['decode m --data codes3.npy --out new.npy', 'codes3.npy holds [5, 3] and the model takes codes'],
  ['decode m --data nancodes.npy --out new.npy', 'nancodes.npy: code 1 holds NaN in dimension 1'],
  ['decode m --data nocodes.npy --out new.npy', 'nocodes.npy holds no codes'],
  // Numbers.
  [`train vae ${ROWS} --batch 41 --steps 2 --out new`, 'batch is 41 and rows.npy has 40 rows'],
  [`train iwae ${ROWS} ${NEW} objective.samples=0`, 'objective.samples is 0; it must be a whole'],
  [`train vae ${ROWS} ${NEW} objective.estimator=gumbel`, 'is for discrete codes, and code.kind'],
  [
    `train vae ${ROWS} ${NEW} posterior=free posterior.rows=39`,
    'posterior.rows is 39, and there are 40 rows to train on; leave it out',
  ],
  [`score m --samples 0 ${ROWS} --out new.npy`, 'must be a whole number of at least 1'],
  [`train vae ${ROWS} ${NEW} optimizer.lr=nan`, 'optimizer.lr is "nan"; it must be a number'],
  // Models that no adapter takes.
  [`train vae ${ROWS} ${NEW} encoder.hidden=1000000`, 'whole numbers from 1 to 65536'],
  [
    `train vae ${ROWS} ${NEW} encoder.hidden=65536,65536`,
    'encoder.1.weight f32[65536, 65536] needs 17179869184 bytes and one binding may span',
  ],
  [`train vae ${ROWS} ${NEW} encoder.hidden=${new Array(200).fill(4)}`, 'at most 100 of them'],
  // Places.
  [`train vae ${ROWS} ${SMALL} --out m`, 'm already holds a model'],
  [`train vae ${ROWS} ${SMALL} --out rows.npy`, 'rows.npy is a file, not a folder'],
  [`train vae ${ROWS} ${SMALL} --out rows.npy/below/it`, 'rows.npy is a file, not a folder'],
  [`train vae ${ROWS} ${SMALL} --out ${LONG}`, 'its name is too long'],
  [`train vae ${ROWS} ${SMALL} --out=`, "cannot write to '': it has no name"],
  ['import m/weights.safetensors --shape 6,4 --out m', 'm already holds a model'],
  ['sample m --out m', 'name a file that ends in .png or .npy or .csv'],
  ['sample m --out rows.npy/new.npy', 'there is no folder rows.npy'],
  [`sample m --out ${LONG}.npy`, 'the name is too long'],
  ['sample m --out folder.npy', 'this is a folder'],
  [`export m --to onnx --out ${LONG}.onnx`, 'the name is too long'],
  ['export m --to onnx --out rows.npy/new.onnx', 'there is no folder rows.npy'],
  // No adapter.
  [
    `VK_DRIVER_FILES=nowhere.json train vae ${ROWS} ${NEW}`,
    'VK_DRIVER_FILES is "nowhere.json", and there is no such file',
  ],
  ['LATENTGPU_ADAPTER=fast sample m --out new.npy', 'LATENTGPU_ADAPTER is "fast"; it may be'],
  // Folders.
  ['sample cutModel --out new.npy', 'cutModel/model.json: not JSON'],
  ['eval emptyModel', 'emptyModel/model.json: not JSON'],
  ['sample listModel --out new.npy', 'listModel/model.json: not a JSON object'],
  ['sample deepModel --out new.npy', 'deepModel/model.json: not JSON'],
  ['sample hugeModel --out new.npy', "'encoder.0.weight' has shape [4, 24]; model.json asks for"],
  ['sample countModel --out new.npy', 'latent is null; it must be a whole number'],
  ['sample manyModel --out new.npy', 'at most 100 of them'],
  ['eval cutRecord', 'cutRecord/training.json: not JSON'],
  ['train vae --resume --out nullRecord', 'training.json: not the record of a training run'],
  ['eval noConfig', "training.json: 'data' or 'config' is missing"],
  ['train vae --resume --out noData', "training.json: 'data' or 'config' is missing"],
  ['eval listTest', 'training.json: data.test is "[]"; it must be a text'],
  ['train vae --resume --out noLimit', 'training.json: data.limit is "-5"; it must be a whole'],
  ['eval noDraws', 'training.json: binarize is 7; it must be one of'],
  ['train vae --resume --out newKey', "training.json: unknown key 'lr'"],
  ['train vae --resume --out wideBatch', 'batch is 1e+300; it must be a whole number'],
  ['sample cutWeights --out new.npy', 'weights.safetensors: cut short'],
  ['sample longWeights --out new.npy', '3 bytes after the last tensor belong to none'],
  ['sample emptyWeights --out new.npy', '0 bytes is too short for a safetensors file'],
  ['sample nanWeights --out new.npy', "tensor 'decoder.0.bias' holds NaN at element 2"],
  ['eval infWeights', "tensor 'encoder.0.weight' holds -Infinity at element 48"],
  ['sample otherWeights --out new.npy', "'encoder.0.weight' has shape [5, 24]; model.json asks"],
  ['train vae --resume --out cutCheckpoint', 'checkpoint.safetensors: cut short'],
  ['train vae --resume --out nanCheckpoint', "tensor 'parameters' holds NaN at element"],
  ['train vae --resume --out noCheckpoint', 'not a checkpoint of this version'],
  [
    'train vae --resume --out otherCheckpoint --steps 20',
    'otherCheckpoint/checkpoint.safetensors is of another model',
  ],
];

let folder = '';
let before: Record<string, string> = {};
const here = (path: string) => join(folder, path);

/** A line that begins with a variable is for a process of its own: drivers are found as it starts. */
function cli(line: string): Promise<Run> {
  const [first = '', ...rest] = line.split(' ');
  const [, name, value = ''] = /^([A-Z_]+)=(.*)$/.exec(first) ?? [];
  if (name === undefined) return perform([first, ...rest], folder);
  return start(rest, folder, { [name]: value }).run;
}

beforeAll(async () => {
  await buildCli();
  folder = mkdtempSync(join(tmpdir(), 'latentgpu-mistakes-'));
  const write = (name: string, shape: number[], value: (i: number) => number) => {
    const size = shape.reduce((product, n) => product * n, 1);
    writeFileSync(
      here(name),
      writeNpy(
        Float32Array.from({ length: size }, (_, i) => value(i)),
        shape,
      ),
    );
  };
  const some = (i: number) => ((i * 7919) % 101) / 101;
  const oddAt = (at: number, odd: number) => (i: number) => (i === at ? odd : some(i));
  write('rows.npy', [40, 6, 4], some);
  write('wide.npy', [40, 5, 5], some);
  write('one.npy', [1, 6, 4], some);
  write('none.npy', [0, 6, 4], some);
  write('nan.npy', [40, 6, 4], oddAt(77, Number.NaN));
  write('inf.npy', [40, 6, 4], oddAt(77, Number.POSITIVE_INFINITY));
  write('far.npy', [40, 6, 4], (i) => i - 300);
  write('codes3.npy', [5, 3], some);
  write('nancodes.npy', [5, 2], oddAt(3, Number.NaN));
  write('nocodes.npy', [0, 2], some);
  writeFileSync(here('cut.npy'), readFileSync(here('rows.npy')).subarray(0, 500));
  writeFileSync(here('empty.npy'), '');
  mkdirSync(here('folder.npy'));
  for (const [name, more] of [
    ['m', ''],
    // As many numbers, once they are padded.
    ['other', ' encoder.hidden=5'],
  ] as const) {
    const { code, stderr } = await cli(`train vae ${ROWS} --steps 6 --out ${name} ${SMALL}${more}`);
    expect(code, stderr).toBe(0);
  }
  for (const [name, [file, change]] of Object.entries(FOLDERS)) {
    cpSync(here('m'), here(name), { recursive: true });
    const path = here(`${name}/${file}`);
    const found = file.endsWith('.json') ? readFileSync(path, 'utf8') : readFileSync(path);
    writeFileSync(path, change(found as never) as string);
  }
  for (const kind of ['Weights', 'Checkpoint']) {
    cpSync(here('m'), here(`other${kind}`), { recursive: true });
    const file = `${kind.toLowerCase()}.safetensors`;
    cpSync(here(`other/${file}`), here(`other${kind}/${file}`));
  }
  before = contentsOf(folder);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true }));

test.each(MISTAKES.map(([line, why]) => [line.slice(0, 100), why, line] as const))(
  '%s',
  async (_, why, line) => {
    const { code, stdout, stderr } = await cli(line);
    expect(stderr).toMatch(/^latentgpu: [^\n]+\n$/);
    expect(stderr).toContain(why);
    expect(stderr.length).toBeLessThan(800);
    expect([code, stdout]).toEqual([2, '']);
  },
);

test('none of them has written, changed or removed anything', () => {
  expect(contentsOf(folder)).toEqual(before);
});

test('what is odd but has a meaning is taken: repeated keys, unknown ones, any name', async () => {
  const odd = `{"__proto__": {"latent": 3}, "constructor": 1, "x": ${'['.repeat(9999)}${']'.repeat(9999)},`;
  cpSync(here('m'), here('odd'), { recursive: true });
  const text = readFileSync(here('m/model.json'), 'utf8');
  writeFileSync(
    here('odd/model.json'),
    text.replace('{', odd).replace('"latent"', '"latent": 9, "latent"'),
  );
  const name = ' ü 日本\n%s.npy';
  const { code, stderr } = await perform(['sample', 'odd', '--count', '2', '--out', name], folder);
  expect(stderr).toBe(
    'latentgpu: odd has what this version does not know: model.json: __proto__, model.json: constructor, model.json: x\n',
  );
  expect(code).toBe(0);
  expect(readFileSync(here(name)).length).toBe(128 + 4 * 2 * 24);
});
