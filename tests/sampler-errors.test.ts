/** What the sampler says of a folder that is none, of a host that cannot, of a wish that makes no sense. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { isLatentGpuError } from '../src/errors.ts';
import { load } from '../src/sampler/index.ts';
import { DIGITS, makeModel, serveFiles, writeModel } from './support/sampler.ts';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'latentgpu-sampler-errors-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (cause) => cause,
  );
  expect(isLatentGpuError(error), String(error)).toBe(true);
  expect(error.message).not.toContain('\n');
  return error;
}

describe('errors are one clear line', () => {
  const json = () => JSON.parse(readFileSync(join(DIGITS, 'model.json'), 'utf8'));
  const weights = () => readFileSync(join(DIGITS, 'weights.safetensors'));

  /** A copy of a good folder with other content. */
  function broken(content: { model?: unknown; weights?: Uint8Array | null }): string {
    const at = mkdtempSync(join(folder, 'broken-'));
    const text = typeof content.model === 'string' ? content.model : JSON.stringify(content.model);
    writeFileSync(
      join(at, 'model.json'),
      content.model === undefined ? JSON.stringify(json()) : text,
    );
    if (content.weights !== null) {
      writeFileSync(join(at, 'weights.safetensors'), content.weights ?? weights());
    }
    return at;
  }

  const changed = (change: (model: ReturnType<typeof json>) => void) => {
    const model = json();
    change(model);
    return { model };
  };
  const withHeader = (change: (header: Record<string, Record<string, unknown>>) => void) => {
    const file = weights();
    const length = Number(file.readBigUInt64LE());
    const header = JSON.parse(file.subarray(8, 8 + length).toString());
    change(header);
    const text = Buffer.from(JSON.stringify(header));
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(BigInt(text.length));
    return { weights: Buffer.concat([start, text, file.subarray(8 + length)]) };
  };
  const notFinite = () => {
    const file = weights();
    file.fill(0xff, file.length - 4);
    return { weights: file };
  };

  const folders: [string, () => Parameters<typeof broken>[0], string, RegExp][] = [
    [
      'a page in place of JSON',
      () => ({ model: '<!doctype html>' }),
      'bad-format',
      /model\.json: not JSON, so this is no model folder$/,
    ],
    ['null', () => ({ model: 'null' }), 'bad-format', /format is undefined/],
    [
      'a later format',
      () =>
        changed((m) => {
          m.format = 3;
        }),
      'bad-format',
      /format is 3; this version reads model folders of formats 1 and 2$/,
    ],
    [
      'codes of another kind',
      () =>
        changed((m) => {
          m.code = { kind: 'words' };
        }),
      'bad-format',
      /code\.kind is "words"; it must be one of normal, bernoulli, categorical$/,
    ],
    [
      'classes of which there is one',
      () =>
        changed((m) => {
          m.code = { kind: 'categorical', groups: 8, classes: 1 };
        }),
      'bad-format',
      /code\.classes is 1; it must be a whole number above 1$/,
    ],
    [
      'a prior of other codes',
      () =>
        changed((m) => {
          m.code = { kind: 'bernoulli' };
          m.prior = { kind: 'normal' };
        }),
      'bad-format',
      /prior is "normal"; it must be one of uniform, learned; for others: latentgpu export DIR --to web$/,
    ],
    [
      'a learned prior without its logits',
      () =>
        changed((m) => {
          m.code = { kind: 'bernoulli' };
          m.prior = { kind: 'learned' };
        }),
      'bad-format',
      /asks for tensor prior\.logits of shape \[8\]; the file has none$/,
    ],
    [
      'an unknown family',
      () =>
        changed((m) => {
          m.family = 'flow';
        }),
      'bad-format',
      /family is "flow"; it must be one of vae, iwae, ae; for others: latentgpu export DIR --to web$/,
    ],
    [
      'no shape',
      () =>
        changed((m) => {
          delete m.data;
        }),
      'bad-format',
      /data\.shape is undefined; it must be a list of whole numbers$/,
    ],
    [
      'a shape of letters',
      () =>
        changed((m) => {
          m.data.shape = ['a'];
        }),
      'bad-format',
      /data\.shape is \["a"\]/,
    ],
    [
      'no latent size',
      () =>
        changed((m) => {
          m.latent = 0;
        }),
      'bad-format',
      /latent is 0; it must be a whole number$/,
    ],
    [
      'another kind of decoder',
      () =>
        changed((m) => {
          m.decoder = { kind: 'conv' };
        }),
      'bad-format',
      /decoder\.kind is "conv"; it must be one of mlp, linear/,
    ],
    [
      'an unknown activation',
      () =>
        changed((m) => {
          m.decoder.activation = 'sin';
        }),
      'bad-format',
      /decoder\.activation is "sin"; it must be one of identity, relu/,
    ],
    [
      'an unknown likelihood',
      () =>
        changed((m) => {
          m.likelihood.kind = 'poisson';
        }),
      'bad-format',
      /likelihood\.kind is "poisson"/,
    ],
    [
      'one level',
      () =>
        changed((m) => {
          m.likelihood = { kind: 'categorical', levels: 1 };
        }),
      'bad-format',
      /likelihood\.levels is 1/,
    ],
    [
      'no weights',
      () => ({ weights: null }),
      'io',
      /weights\.safetensors: cannot be loaded \(ENOENT/,
    ],
    [
      'a page in place of weights',
      () => ({ weights: Buffer.from('<!doctype html><p>not found') }),
      'bad-format',
      /weights\.safetensors: not a safetensors file$/,
    ],
    ['an empty file', () => ({ weights: Buffer.alloc(0) }), 'bad-format', /cut short: 0 bytes/],
    [
      'half a header',
      () => ({ weights: weights().subarray(0, 100) }),
      'bad-format',
      /cut short: 100 bytes, and its header is not all there$/,
    ],
    [
      'half the weights',
      () => ({ weights: weights().subarray(0, 5000) }),
      'bad-format',
      /cut short: 5000 of 104472 bytes$/,
    ],
    [
      'weights and more',
      () => ({ weights: Buffer.concat([weights(), Buffer.alloc(9)]) }),
      'bad-format',
      /longer than the 104472 bytes/,
    ],
    [
      'another model’s weights',
      () =>
        changed((m) => {
          m.decoder.hidden = [64];
        }),
      'bad-format',
      /asks for tensor decoder\.0\.weight of shape \[64,8\]; the file has \[96,8\]$/,
    ],
    [
      'fewer layers',
      () =>
        changed((m) => {
          m.decoder.hidden = [96, 96];
        }),
      'bad-format',
      /decoder\.1\.weight of shape \[96,96\]; the file has \[256,96\]$/,
    ],
    [
      'a tensor too few',
      () =>
        withHeader((h) => {
          delete h['decoder.0.bias'];
        }),
      'bad-format',
      /decoder\.0\.bias of shape \[96\]; the file has none$/,
    ],
    [
      'whole numbers',
      () =>
        withHeader((h) => {
          (h['decoder.0.bias'] as object as { dtype: string }).dtype = 'I16';
        }),
      'bad-format',
      /decoder\.0\.bias is of type "I16"; save it as float32$/,
    ],
    [
      'a lying offset',
      () =>
        withHeader((h) => {
          (h['decoder.0.bias'] as object as { data_offsets: number[] }).data_offsets[0] = 0;
        }),
      'bad-format',
      /decoder\.0\.bias does not lie where its shape says$/,
    ],
    [
      'a header that is none',
      () =>
        withHeader((h) => {
          h['decoder.0.bias'] = 7 as never;
        }),
      'bad-format',
      /its header cannot be read$/,
    ],
    ['no number', notFinite, 'bad-data', /decoder\.1\.bias holds NaN at element 254$/],
  ];

  for (const [name, content, code, message] of folders) {
    test(name, async () => {
      const error = await failure(load(broken(content()), { backend: 'javascript' }));
      expect(error.message).toMatch(message);
      expect(error.code).toBe(code);
    });
  }

  test('where there is nothing', async () => {
    const server = await serveFiles(new Map());
    const missing = await failure(load(server.url));
    server.close();
    expect(missing.code).toBe('io');
    expect(missing.message).toMatch(
      /^http:.*\/model\.json: the server answers 404; load a folder with/,
    );
    const refused = await failure(load(server.url));
    expect(refused.message).toMatch(/model\.json: cannot be loaded \(/);
    const bare = await failure(load('http://'));
    expect(bare.message).toBe("'http://' is not the address of a model folder");
  });

  test('a connection that breaks', async () => {
    const server = createServer((request, response) => {
      if (request.url?.endsWith('.json')) return void response.end(JSON.stringify(json()));
      response.writeHead(200, { 'content-length': weights().length });
      response.write(weights().subarray(0, 9000), () => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    const { port } = server.address() as AddressInfo;
    const error = await failure(load(`http://localhost:${port}`));
    server.close();
    expect(error.code).toBe('io');
    expect(error.message).toMatch(/weights\.safetensors: the connection broke \(/);
  });

  test('what is asked of a model', async () => {
    const model = await load(DIGITS, { backend: 'javascript' });
    const z = new Float32Array(8);
    const cases: [Promise<unknown>, RegExp][] = [
      [model.sample(0), /^count is 0; it must be a whole number of at least 1$/],
      [model.sample(1.5), /^count is 1\.5/],
      [model.sample(1, { seed: -1 }), /^seed is -1; it must be/],
      [model.sample(1e15), /^there is no memory for 1000000000000000 rows of 8 numbers/],
      [model.decode([]), /^codes are rows of 8 numbers; 0 numbers are no such rows$/],
      [model.decode(new Float32Array(9)), /9 numbers are no such rows$/],
      [model.decode([...z.subarray(1), Number.NaN]), /not finite$/],
      [model.interpolate(z, z.subarray(1)), /^a code is 8 numbers, not 7$/],
      [model.interpolate(z, z, { steps: 1 }), /^steps is 1; it must be/],
      [load(DIGITS, { backend: 'cuda' as 'auto' }), /^backend is 'cuda'; it may be auto/],
    ];
    for (const [work, message] of cases) expect((await failure(work)).message).toMatch(message);
    model.destroy();
    expect((await failure(model.sample(1))).message).toBe('the sampler was destroyed');
  });

  test('an autoencoder decodes, and has nothing to draw from', async () => {
    const made = makeModel({
      family: 'ae',
      shape: [6],
      latent: 2,
      hidden: [3],
      activation: 'tanh',
      likelihood: { kind: 'bernoulli' },
    });
    const model = await load(writeModel(join(folder, 'ae'), made));
    expect((await model.decode([1, 2])).length).toBe(6);
    const { code, message } = await failure(model.sample(1));
    expect(code).toBe('bad-input');
    expect(message).toMatch(/^an autoencoder has no distribution of codes to draw from/);
  });

  test('no WebGPU, or too little of it', async () => {
    const none = await failure(load(DIGITS, { backend: 'webgpu' }));
    expect(none.code).toBe('no-adapter');
    expect(none.message).toMatch(/^this host has no WebGPU; leave out backend: 'webgpu'/);
    const empty = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;
    const nothing = await failure(load(DIGITS, { backend: 'webgpu', gpu: empty }));
    expect(nothing.message).toMatch(/^WebGPU has no adapter here/);
    const limits = { maxStorageBufferBindingSize: 1024, maxBufferSize: 1024 };
    const tiny = { limits, info: {}, features: new Set() };
    const small = { requestAdapter: () => Promise.resolve(tiny) } as unknown as GPU;
    const little = await failure(load(DIGITS, { backend: 'webgpu', gpu: small }));
    expect(little.code).toBe('limit-exceeded');
    expect(little.message).toMatch(
      /^the model needs \d+ bytes for one layer; this adapter allows 1024$/,
    );
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    expect((await load(DIGITS, { gpu: small })).backend).toBe('javascript');
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      expect.stringMatching(/^latentgpu: going on in JavaScript, because WebGPU failed: the model/),
    );
    warn.mockRestore();
  });

  test('loading stops when told to', async () => {
    const stop = new AbortController();
    const work = load(DIGITS, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(work).rejects.toMatchObject({ name: 'AbortError' });
    await expect(load(DIGITS, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
