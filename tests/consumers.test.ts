/** The package in projects of every kind: bundled, required, rendered on a server, from a CDN, under a strict policy. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build as esbuild } from 'esbuild';
import { publint } from 'publint';
import type { Browser } from 'puppeteer';
import { build as vite } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import webpack from 'webpack';
import { load } from '../src/sampler/index.ts';
import { launchBrowser } from '../src/testing/chrome.ts';
import { ROOT } from './support/cli.ts';
import { installPackage, LIBRARIES, link } from './support/package.ts';
import { type Ended, run } from './support/run-script.ts';
import { type Body, DIGITS, serveFiles } from './support/sampler.ts';

let folder = '';
let packed = '';
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latentgpu-consumers-'));
  packed = await installPackage(folder, LIBRARIES);
  link(folder, ['webgpu']);
  cpSync(join(ROOT, 'tests/consumers'), folder, { recursive: true });
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a bundler made of an entry, as one file. */
type Bundler = (entry: string, output: string, platform: 'node' | 'web') => Promise<void>;

const byEsbuild: (options?: object) => Bundler = (more) => async (entry, output, platform) => {
  const { warnings } = await esbuild({
    entryPoints: [at(entry)],
    outfile: at(output),
    bundle: true,
    format: output.endsWith('.cjs') ? 'cjs' : 'esm',
    platform: platform === 'web' ? 'browser' : platform,
    target: 'es2022',
    logLevel: 'silent',
    ...more,
  });
  expect(warnings).toEqual([]);
};

const byWebpack =
  (more?: webpack.Configuration): Bundler =>
  async (entry, output, platform) => {
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
      const options: webpack.Configuration = {
        mode: 'production',
        context: folder,
        entry: at(entry),
        target: platform,
        output: { path: folder, filename: output },
        optimization: { minimize: false },
        performance: { hints: false },
        ...more,
      };
      webpack(options, (error, done) => (error ? reject(error) : resolve(done)));
    });
    expect(stats?.toString({ all: false, errors: true, warnings: true })).toBe('');
  };

const byVite: Bundler = async (entry, output, platform) => {
  await vite({
    configFile: false,
    root: folder,
    logLevel: 'error',
    // As frameworks that render on a server do it: everything in one file.
    ...(platform === 'node' && { ssr: { noExternal: true } }),
    build: {
      outDir: folder,
      emptyOutDir: false,
      ...(platform === 'node' && { ssr: at(entry) }),
      rolldownOptions: { input: at(entry), output: { entryFileNames: output } },
    },
  });
};

describe('in Node.js', () => {
  const program = (name: string, args: string[] = []): Ended => run(folder, at(name), args);

  test.each<[string, Bundler]>([
    ['esbuild.cjs', byEsbuild()],
    ['esbuild-small.cjs', byEsbuild({ minify: true })],
    ['esbuild.mjs', byEsbuild()],
    ['webpack.cjs', byWebpack()],
    ['vite.mjs', byVite],
  ])(
    'bundled to %s',
    async (output, bundle) => {
      await bundle('node.mjs', output, 'node');
      const { code, stdout, stderr } = program(output);
      expect([code, stderr.replace(/^error: XDG_RUNTIME_DIR.*\n/gm, '')]).toEqual([0, '']);
      expect(JSON.parse(stdout)).toEqual(['function', 'function', 'x', expect.any(Number)]);
    },
    180_000,
  );

  test('required by CommonJS', () => {
    const { code, stdout } = program('required.cjs');
    expect([code, stdout]).toEqual([0, '[2,"function","function"]\n']);
  });

  test('without the package webgpu, a device says what to install', async () => {
    await byEsbuild()('node.mjs', 'bare.cjs', 'node');
    const bare = mkdtempSync(join(tmpdir(), 'latentgpu-bare-'));
    try {
      cpSync(at('bare.cjs'), join(bare, 'bare.cjs'));
      const { code, stderr } = run(bare, join(bare, 'bare.cjs'), []);
      expect(code).toBe(1);
      expect(stderr).toContain('npm install webgpu');
    } finally {
      rmSync(bare, { recursive: true, force: true });
    }
  });

  test('loaded where there is no navigator, each part of it', () => {
    const files = ['index.js', 'modules/index.js', 'sampler.js'].map((name) =>
      join(packed, 'dist', name),
    );
    const names = ['latentgpu', 'latentgpu/sampler', 'latentgpu/testing', ...files];
    const { code, stdout, stderr } = program('server.mjs', names);
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual(names.map(() => true));
  });

  test('Deno is given what Node.js is', () => {
    writeFileSync(at('resolve.mjs'), "process.stdout.write(import.meta.resolve('latentgpu'))");
    const { stdout } = run(folder, '--conditions=deno', [at('resolve.mjs')]);
    expect(stdout).toMatch(/latentgpu\/dist\/node\.js$/);
  });
});

describe('in a browser', () => {
  const policy =
    "default-src 'none'; script-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; " +
    "require-trusted-types-for 'script'; trusted-types page";
  const pages = new Map<string, Body>();
  const cdn = new Map<string, Body>();
  let browser: Browser;
  let strict: Awaited<ReturnType<typeof serveFiles>>;
  let open: Awaited<ReturnType<typeof serveFiles>>;
  let remote: Awaited<ReturnType<typeof serveFiles>>;
  let drawn = 0;

  beforeAll(async () => {
    for (const name of ['model.json', 'weights.safetensors']) {
      pages.set(`/models/digits/${name}`, readFileSync(join(DIGITS, name)));
    }
    for (const name of ['index.js', 'sampler.js']) {
      cdn.set(`/${name}`, readFileSync(join(packed, 'dist', name)));
    }
    [strict, open, remote, browser] = await Promise.all([
      serveFiles(pages, { 'content-security-policy': policy }),
      serveFiles(pages),
      serveFiles(cdn, { 'access-control-allow-origin': '*' }),
      launchBrowser(),
    ]);
    const model = await load(DIGITS, { backend: 'javascript' });
    drawn = (await model.sample(3, { seed: 7 })).reduce((sum, x) => sum + x, 0);
  }, 180_000);
  afterAll(async () => {
    for (const server of [strict, open, remote]) server?.close();
    await browser?.close();
  });

  /** What a page leaves as its outcome, and what it complained about. */
  async function visit(url: string): Promise<{ outcome: unknown; complaints: string[] }> {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(url);
    // A script that is refused leaves none.
    const waited = page.waitForFunction('globalThis.outcome', { timeout: 150_000, polling: 50 });
    const refused = async () => {
      while (complaints.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await Promise.race([waited.catch(() => {}), refused()]);
    const outcome = await page.evaluate('globalThis.outcome');
    await page.close();
    return { outcome, complaints };
  }

  const good = () => ({
    outcome: { loss: expect.any(Number), drawn: expect.closeTo(drawn, 2) },
    complaints: [],
  });
  const html = (head: string) => `<!doctype html><meta charset="utf-8">${head}`;

  test.each<[string, Bundler]>([
    ['vite.js', byVite],
    ['webpack.js', byWebpack()],
    ['esbuild.js', byEsbuild({ minify: true })],
  ])(
    'bundled to %s, under a strict policy',
    async (output, bundle) => {
      await bundle('page.mjs', output, 'web');
      // A bundler may leave what comes later in files of its own.
      const made = readdirSync(folder, { recursive: true, encoding: 'utf8' });
      for (const name of made.filter((name) => /^[^/]*\.js$|^assets\/.*\.js$/.test(name))) {
        pages.set(`/${name}`, readFileSync(at(name)));
      }
      pages.set(`/${output}.html`, html(`<script type="module" src="/${output}"></script>`));
      expect(await visit(`${strict.url}/${output}.html`)).toEqual(good());
    },
    120_000,
  );

  test.each<[string, string, Bundler, number]>([
    ['trains', 'Vite', byVite, 90],
    ['trains', 'webpack', byWebpack({ optimization: { minimize: true } }), 92],
    ['adds', 'Vite', byVite, 8],
    ['adds', 'webpack', byWebpack({ optimization: { minimize: true } }), 8],
  ])(
    'one that %s is given by %s what it uses, and no more',
    async (program, _, bundle, most) => {
      await bundle(`${program}.mjs`, 'small.js', 'web');
      const made = readFileSync(at('small.js'));
      expect(gzipSync(made).length / 1000).toBeLessThan(most);
      expect(String(made)).not.toContain('lu_inverse');
    },
    60_000,
  );

  test('bundled by what reads no exports, as Parcel', async () => {
    // Of a file for Node.js it would complain.
    await byWebpack({ resolve: { exportsFields: [] } })('page.mjs', 'no-exports.js', 'web');
  });

  test('in a service worker, under the same', async () => {
    await byEsbuild()('service-worker.mjs', 'service-worker.js', 'web');
    pages.set('/service-worker.js', readFileSync(at('service-worker.js')));
    pages.set('/ask.js', readFileSync(at('ask.mjs')));
    pages.set('/ask.html', html('<script type="module" src="/ask.js"></script>'));
    expect(await visit(`${strict.url}/ask.html`)).toEqual(good());
  }, 180_000);

  test('from a CDN, its files held to their hashes', async () => {
    const hash = (name: string) =>
      `sha384-${createHash('sha384')
        .update(cdn.get(`/${name}`) as Body)
        .digest('base64')}`;
    const page = (integrity: Record<string, string>) => {
      const map = {
        imports: {
          latentgpu: `${remote.url}/index.js`,
          'latentgpu/sampler': `${remote.url}/sampler.js`,
        },
        integrity: Object.fromEntries(
          Object.entries(integrity).map(([name, value]) => [`${remote.url}/${name}`, value]),
        ),
      };
      const json = JSON.stringify(map);
      return html(
        `<script type="importmap">${json}</script><script type="module" src="/page.js"></script>`,
      );
    };
    const right = { 'index.js': hash('index.js'), 'sampler.js': hash('sampler.js') };
    pages.set('/page.js', readFileSync(at('page.mjs')));
    pages.set('/work.mjs', readFileSync(at('work.mjs')));
    pages.set('/cdn.html', page(right));
    pages.set('/forged.html', page({ ...right, 'index.js': hash('sampler.js') }));
    expect(await visit(`${open.url}/cdn.html`)).toEqual(good());
    const { outcome, complaints } = await visit(`${open.url}/forged.html`);
    expect(outcome).toBeUndefined();
    expect(complaints.join('\n')).toContain('integrity');
  }, 180_000);
});

describe('the package', () => {
  test('holds what its exports name, and no more than it is built of', async () => {
    const shell = process.platform === 'win32';
    const args = ['pack', '--json', '--ignore-scripts'];
    const stdout = execFileSync('npm', args, { cwd: packed, encoding: 'utf8', shell });
    const [{ filename, files }] = Object.values(JSON.parse(stdout)) as [
      { filename: string; files: { path: string }[] },
    ];
    const paths = files.map(({ path }) => path);
    const outside = paths.filter(
      (path) =>
        !/^dist\/(types\/.*\.d\.ts|modules\/[\w./-]+\.js|[\w-]+(\.js(\.map)?|-licenses\.md))$/.test(
          path,
        ),
    );
    expect(outside.sort()).toEqual(['LICENSE', 'NOTICE', 'README.md', 'package.json']);
    // Each package that is in a file is named beside it.
    const of = (name: string) => readFileSync(join(packed, `dist/${name}-licenses.md`), 'utf8');
    for (const name of ['index', 'modules']) {
      expect(of(name)).toMatch(/^## ml-matrix - [\d.]+ \(MIT\)$/m);
    }
    expect(of('testing')).toMatch(/^## wgsl_reflect - [\d.]+ \(MIT\)$/m);
    const tarball = readFileSync(join(packed, filename));
    const { messages } = await publint({ pack: { tarball: Uint8Array.from(tarball).buffer } });
    // The command line is not built here; `browser` is for bundlers that read no `exports`.
    expect(messages.filter(({ path }) => !['bin', 'browser'].includes(String(path[0])))).toEqual(
      [],
    );
    const types = await checkPackage(createPackageFromTarballData(Uint8Array.from(tarball)));
    const problems = 'problems' in types ? types.problems : [];
    // `require` is given the same module: Node.js 20.19 and newer do that.
    expect(problems.filter(({ kind }) => kind !== 'CJSResolvesToESM')).toEqual([]);
    expect(types.types).toMatchObject({ kind: 'included' });
  }, 180_000);
});
