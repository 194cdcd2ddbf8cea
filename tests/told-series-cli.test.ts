/** Recurrent nets that are told classes, on the command line: series of a class look like it, whatever is asked. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readNpy } from '../src/formats/npy.ts';
import { writeWav } from '../src/formats/wav.ts';
import { CommandLine } from './support/command-line.ts';
import { reals } from './support/engine.ts';

vi.setConfig({ testTimeout: 180_000 });

const [PERIOD, WINDOW] = [8, 16];
const WAVES = {
  saw: (p: number) => 2 * ((p + 0.5) % 1) - 1,
  sine: (p: number) => Math.sin(2 * Math.PI * p),
  square: (p: number) => (p % 1 < 0.5 ? 1 : -1),
};
const NAMES = Object.keys(WAVES) as (keyof typeof WAVES)[];
const wave = (name: keyof typeof WAVES, step: number) => WAVES[name]((step + 0.5) / PERIOD);

let at: CommandLine;
beforeAll(async () => {
  at = await CommandLine.open('told-series');
  for (const name of NAMES) {
    await mkdir(at.here(`waves/${name}`), { recursive: true });
    for (let file = 0; file < 10; file++) {
      const noise = reals(`${name} ${file}`, 10 * WINDOW, -0.1, 0.1);
      const loud = 0.5 + 0.04 * file;
      const data = noise.map((e, step) => e + loud * wave(name, step));
      const bytes = writeWav({ rate: 8000, channels: 1, data }, 'f32');
      await writeFile(at.here(`waves/${name}/${file}.wav`), bytes);
    }
  }
}, 180_000);
afterAll(() => at.close());

const NETS = ['encoder', 'decoder']
  .map((net) => `${net}.kind=recurrent ${net}.hidden=16`)
  .join(' ');
const KEYS = `latent=2 ${NETS} optimizer.lr=0.01 evaluate.every=0`;
const DATA = `--data waves --window ${WINDOW} --stride ${WINDOW} --hold-out 0.2 --seed 1 --batch 20 --quiet`;

/** The class whose wave a row is most like. */
function nearest(row: ArrayLike<number>): string {
  const likeness = (name: keyof typeof WAVES) => {
    const own = Array.from(row, (_, step) => wave(name, step));
    const product = own.reduce((sum, value, i) => sum + value * (row[i] as number), 0);
    return product / Math.hypot(...own);
  };
  return NAMES.reduce((best, name) => (likeness(name) > likeness(best) ? name : best));
}

async function seriesOf(path: string): Promise<Float32Array[]> {
  const { data, shape } = readNpy(new Uint8Array(await readFile(at.here(path))), path);
  expect(shape.slice(1)).toEqual([WINDOW]);
  return Array.from({ length: shape[0] as number }, (_, row) =>
    (data as Float32Array).subarray(row * WINDOW, (row + 1) * WINDOW),
  );
}

const share = (rows: readonly Float32Array[], of: (row: number) => string) =>
  rows.filter((row, i) => nearest(row) === of(i)).length / rows.length;

test('draws of a class are of its shape, and a class told is worth nats', async () => {
  await Promise.all([
    at.works(`train cvae ${DATA} --steps 300 --out once --set ${KEYS}`),
    at.works(`train cvae ${DATA} --steps 120 --out twice --set ${KEYS}`),
    at.works(`train vae ${DATA} --steps 300 --out untold --set ${KEYS}`),
  ]);
  await at.works('train cvae --resume --steps 300 --out twice --quiet');
  const once = await at.weightsOf('once');
  expect([...(await at.weightsOf('twice'))]).toEqual([...once]);
  expect([...once.keys()]).toEqual(
    expect.arrayContaining(['encoder.classes.weight', 'decoder.startClasses.weight']),
  );
  await at.works('sample once --labels saw-square --count 30 --out drawn.npy');
  const drawn = share(await seriesOf('drawn.npy'), (row) => NAMES[Math.floor(row / 30)] as string);
  expect(drawn).toBeGreaterThan(0.9);
  await at.works('reconstruct once --as square --out as.npy');
  expect(share(await seriesOf('as.npy'), () => 'square')).toBeGreaterThan(0.9);
  const [told, untold] = await Promise.all(
    ['once', 'untold'].map((model) => at.json(`eval ${model} --samples 50`)),
  );
  expect(told.negativeElbo).toBeLessThan(untold.negativeElbo);
  expect(told.nll.value).toBeLessThan(untold.nll.value);
  const ahead = await at.json('impute once --hide last:8 --limit 9 --samples 100 --out a.npy');
  expect(ahead.mse).toBeLessThan(0.5 * ahead.meanMse);
  await at.works('report once --out page.html');
});

test('classes of which few rows tell are told apart', async () => {
  const keys = `${KEYS} classifier.hidden=16`;
  await at.works(`train m2 ${DATA} --hide-labels 0.8 --steps 150 --out few --set ${keys}`);
  expect((await at.json('cluster few')).accuracy).toBeGreaterThan(0.9);
  await at.works('sample few --labels saw-square --count 10 --out few.npy');
  const drawn = share(await seriesOf('few.npy'), (row) => NAMES[Math.floor(row / 10)] as string);
  expect(drawn).toBeGreaterThan(0.9);
  await at.works('eval few --samples 0');
  for (const kind of ['onnx', 'torch']) {
    await at.works(`export few --to ${kind} --out few.${kind === 'onnx' ? 'onnx' : 'py'}`);
  }
});
