// The command: the same work in this library and in its peers, in one browser, interleaved.
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import type { Browser } from 'puppeteer';
import { writeFileAtomic } from '../../src/formats/atomic.node.ts';
import type { Backend } from './engine.ts';
import { FRESH, ROWS, referenceOf, WORKS } from './rows.ts';
import { buildAll, peerNames, serve } from './run/build.ts';
import { EnginePage, openBrowser } from './run/chrome.ts';
import { measureBytes, measureColdStarts } from './run/fresh.ts';
import { formatMarkdown } from './run/markdown.ts';
import { measureRow, type Runner } from './run/measure.ts';
import { AGAIN, type EngineReport, type PeerReport, type RowReport, SELF } from './run/report.ts';

interface Flags {
  rows?: number[];
  peers?: string[];
  seconds: number;
  out?: string;
  repeatSelf?: boolean;
  json?: boolean;
  quiet?: boolean;
}

const numbers = (text: string): number[] => {
  const rows = text.split(',').map(Number);
  const unknown = rows.find((row) => !ROWS.includes(row));
  if (unknown === undefined) return rows;
  throw new InvalidArgumentError(`Rows are ${ROWS.join(', ')}.`);
};

const seconds = (text: string): number => {
  const value = Number(text);
  if (value > 0 && value <= 600) return value;
  throw new InvalidArgumentError('It must be a number above 0 and at most 600.');
};

const command = new Command('bench:peers')
  .description('The same work in latentgpu and in other browser engines, in one headless Chrome.')
  .option('--rows <list>', `only these rows of ${ROWS.join(', ')}`, numbers)
  .option('--peers <list>', 'only peers with one of these in their label, e.g. jax,tfjs', (text) =>
    text.split(','),
  )
  .option('--seconds <n>', 'time to sample an engine for in each row', seconds, 1.5)
  .option('--repeat-self', 'latentgpu twice: its ratio to itself must read 1.0')
  .option('--out <file.json>', 'writes the measurements, and the tables beside them as .md')
  .option('--json', 'prints the measurements instead of the tables')
  .option('--quiet', 'says nothing meanwhile')
  .addHelpText('after', '\nExample: npm run bench:peers -- --rows 1,2 --peers jax --seconds 3');

/** Every peer with each of its backends, this library first. */
async function findEngines(browser: Browser, address: string, flags: Flags) {
  const engines: EngineReport[] = [];
  for (const peer of await peerNames()) {
    const page = await EnginePage.open(browser, address, { peer, backend: 'webgpu' });
    const { name, version, backends } = await page.call('describe');
    await page.close();
    for (const backend of backends as readonly Backend[]) {
      const label = `${name} ${backend}`;
      const isWanted = flags.peers?.some((part) => label.includes(part)) ?? true;
      if (label === SELF || isWanted) engines.push({ label, peer, backend, version });
    }
    if (peer === 'latentgpu' && flags.repeatSelf) {
      engines.push({ label: AGAIN, peer, backend: 'webgpu', version });
    }
  }
  const labels = engines.map(({ label }) => label);
  const strange = flags.peers?.find((part) => !labels.some((label) => label.includes(part)));
  if (strange !== undefined) command.error(`error: no peer is called '${strange}'`);
  const order = (label: string) => (label.endsWith('wasm') ? 1 : 0);
  return engines.sort((a, b) => order(a.label) - order(b.label));
}

/** A page for each engine; one that does not open says why in every row. */
async function openEngines(
  browser: Browser,
  address: string,
  engines: readonly EngineReport[],
  say: (what: string) => void,
): Promise<{ runners: Runner[]; engines: EngineReport[] }> {
  const runners: Runner[] = [];
  const described: EngineReport[] = [];
  for (const engine of engines) {
    say(`opening ${engine.label}`);
    const page = await EnginePage.open(browser, address, engine);
    runners.push({ label: engine.label, page });
    const note = await page.call('open').catch((error: Error) => `does not open: ${error.message}`);
    described.push({ ...engine, ...(note && { note }) });
  }
  return { runners, engines: described };
}

async function measure(flags: Flags, say: (what: string) => void): Promise<PeerReport> {
  // Of its own: another run may be under way.
  const dist = await mkdtemp(join(tmpdir(), 'latentgpu-peers-'));
  try {
    return await measureIn(dist, flags, say);
  } finally {
    await rm(dist, { recursive: true, force: true });
  }
}

/** @param dist an empty folder for what is built */
async function measureIn(
  dist: string,
  flags: Flags,
  say: (what: string) => void,
): Promise<PeerReport> {
  const load = () => loadavg()[0] as number;
  const before = load();
  const isAsked = (row: number) => flags.rows?.includes(row) ?? true;
  say('bundling');
  await buildAll(dist, isAsked(FRESH.bytes) ? await peerNames() : []);
  const { address, server } = await serve(dist);
  const browser = await openBrowser();
  try {
    const found = await findEngines(browser, address, flags);
    const rows: RowReport[] = [];
    const works = WORKS.filter(({ row }) => isAsked(row));
    const opened = await openEngines(browser, address, found, say);
    const [own] = opened.runners as [Runner];
    const adapter = await own.page.call('adapter');
    for (const work of works) {
      say(`${work.row}. ${work.name}`);
      const reference = referenceOf(work);
      const cells = await measureRow(opened.runners, work, reference, flags.seconds);
      rows.push({ row: work.row, name: work.name, unit: 'ms', aim: { ratio: work.aim }, cells });
    }
    for (const { page } of opened.runners) await page.close();
    if (isAsked(FRESH.cold) || isAsked(FRESH.memory)) {
      say(`${FRESH.cold}. cold starts`);
      // In a browser that has done nothing yet.
      const fresh = await openBrowser();
      try {
        const { cold, memory } = await measureColdStarts(fresh, address, found);
        rows.push(...[cold, memory].filter(({ row }) => isAsked(row)));
      } finally {
        await fresh.close();
      }
    }
    if (isAsked(FRESH.bytes)) {
      say(`${FRESH.bytes}. bytes`);
      rows.push(await measureBytes(browser, { address, dist }, found));
    }
    const processors = cpus();
    return {
      date: new Date().toISOString(),
      adapter,
      browser: await browser.version(),
      machine: {
        processor: processors[0]?.model.trim() ?? 'unknown processor',
        cores: processors.length,
        load: [before, load()],
      },
      secondsPerCell: flags.seconds,
      engines: opened.engines,
      rows: rows.sort((a, b) => a.row - b.row),
    };
  } finally {
    await browser.close();
    await new Promise((resolve) => server.httpServer.close(resolve));
  }
}

function parse(): Flags {
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  const flags = command.parse().opts<Flags>();
  const { out } = flags;
  if (out === undefined) return flags;
  if (!out.endsWith('.json')) command.error(`error: --out is ${out}; it must end in .json`);
  try {
    // Minutes of measuring are not to end in a message that there is no such folder.
    accessSync(dirname(resolve(out)), constants.W_OK);
  } catch {
    command.error(`error: --out ${out}: its folder does not exist or cannot be written to`);
  }
  return flags;
}

async function main(): Promise<void> {
  const flags = parse();
  const began = performance.now();
  const report = await measure(flags, (what) => {
    if (flags.quiet) return;
    const at = ((performance.now() - began) / 1000).toFixed(0);
    process.stderr.write(`${at.padStart(4)} s  ${what}\n`);
  });
  const json = `${JSON.stringify(report, null, 1)}\n`;
  const text = formatMarkdown(report);
  if (flags.out !== undefined) {
    await writeFileAtomic(flags.out, json);
    await writeFileAtomic(flags.out.replace(/\.json$/, '.md'), text);
  }
  process.stdout.write(flags.json ? json : text);
}

await main();
