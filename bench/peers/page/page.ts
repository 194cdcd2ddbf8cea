/** The page of one engine: the address names it, Node.js asks for the rest. */
import { expose } from '../../../src/testing/expose.ts';
import type { Backend, Engine, Offer, Peer, Task } from '../engine.ts';
import { type Counts, instrument, look, peak, since } from './instrument.ts';
import { selection, toText } from './wire.ts';

instrument();

const modules = import.meta.glob<{ peer: Peer }>('../peers/*.ts');
const asked = new URLSearchParams(location.search);

async function loadPeer(): Promise<Peer> {
  const load = modules[`../peers/${asked.get('peer')}.ts`];
  if (!load) throw new Error(`there is no peer '${asked.get('peer')}'`);
  return (await load()).peer;
}

let engine: Engine | undefined;
let task: Task | undefined;

async function open(): Promise<Engine> {
  const backend = asked.get('backend') as Backend;
  engine ??= await (await loadPeer()).open(backend);
  return engine;
}

/** The work called `kind`; a string is the reason why the engine does not do it. */
async function make(kind: string, args: readonly unknown[]): Promise<Task | string> {
  const offer = ((await open()) as unknown as Record<string, Offer<unknown[]>>)[kind];
  if (typeof offer === 'string') return offer;
  if (!offer) throw new Error(`there is no work called '${kind}'`);
  return await offer(...args);
}

export interface ColdStart {
  readonly ms: number;
  readonly loss: number;
  readonly pipelines: number;
}

export interface Measured {
  /** Milliseconds of one repetition. */
  readonly ms: number;
  /** Of all repetitions together. */
  readonly counts: Counts;
  readonly last: readonly number[];
}

const vaeStep = ['training', [100, 1]] as const;

/** From the start of the navigation to the end of the first VAE step, its loss on the host. */
async function startCold(): Promise<ColdStart> {
  const made = await make(...vaeStep);
  if (typeof made === 'string') throw new Error(`does not: ${made}`);
  task = made;
  const [loss] = await made.run(1);
  return { ms: performance.now(), loss: loss as number, pipelines: look().pipelines };
}

const cold = asked.has('cold') ? startCold() : undefined;
// Its failure is thrown where it is asked for.
cold?.catch(() => {});

const running = () => {
  if (!task) throw new Error('nothing has been prepared');
  return task;
};

const api = {
  async describe() {
    const { name, version, backends } = await loadPeer();
    return { name, version, backends };
  },
  async open() {
    return (await open()).note ?? '';
  },
  /** What names the adapter that pages get. */
  async adapter() {
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) throw new Error('this browser offers no WebGPU adapter');
    const { vendor, architecture, device, description } = adapter.info;
    return [vendor, architecture, description || device].filter(Boolean).join(' ');
  },
  async cold() {
    if (!cold) throw new Error('this page was not opened for a cold start');
    return await cold;
  },
  /** Bytes on the GPU at the most, after some more steps, each of them waited for. */
  async memory(steps: number) {
    for (let i = 0; i < steps; i++) await running().run(1);
    return peak();
  },
  /** Makes a task and computes what the reference is asked for. */
  async prepare(kind: string, args: readonly unknown[]) {
    await task?.dispose();
    task = undefined;
    const made = await make(kind, args);
    if (typeof made === 'string') return { absent: made };
    task = made;
    const results = Object.entries(await made.check());
    return { results: results.map(([name, values]) => [name, toText(selection(values))] as const) };
  },
  async measure(times: number): Promise<Measured> {
    const counted = look();
    const start = performance.now();
    const last = await running().run(times);
    const ms = (performance.now() - start) / times;
    return { ms, counts: since(counted), last: [...last.subarray(0, 1000)] };
  },
  async finish() {
    await task?.dispose();
    task = undefined;
  },
};

export type PeerPage = typeof api;

expose(api);
