// What an adapter says of itself, as plain data and as a line.
import type { HostGpu, HostName } from './host.ts';

/** What is known about the adapter a device runs on. Plain data, fit for JSON. */
export interface AdapterReport {
  /** The adapter in a few words, for people and as a key for measurements. */
  name: string;
  vendor: string;
  architecture: string;
  description: string;
  /** Whether the processor does the work and not a GPU. */
  isSoftware: boolean;
  host: HostName;
  features: string[];
  /** The smallest and largest subgroup a kernel may find itself in, where that is told. */
  subgroupSizes: [number, number] | null;
  /** What the adapter could offer; a device is opened with WebGPU's defaults but for storage buffers. */
  limits: Record<string, number>;
  /** Where the implementation was found. */
  source: string;
}

const software = /swiftshader|llvmpipe|lavapipe|softpipe|\bwarp\b|basic render|software/i;

/** Whether an adapter is a software one, by what it says of itself. */
export function isSoftwareAdapter(adapter: GPUAdapter): boolean {
  const { vendor, architecture, device, description } = adapter.info;
  return (
    adapter.info.isFallbackAdapter === true ||
    software.test([vendor, architecture, device, description].join(' '))
  );
}

export function plainLimits(limits: GPUSupportedLimits): Record<string, number> {
  const plain: Record<string, number> = {};
  // The limits are accessors on the prototype, so Object.entries would find none.
  for (const name in limits) {
    const value = (limits as unknown as Record<string, unknown>)[name];
    if (typeof value === 'number') plain[name] = value;
  }
  return plain;
}

function subgroupSizes(info: GPUAdapterInfo): [number, number] | null {
  const { subgroupMinSize: min, subgroupMaxSize: max } = info;
  return min && max ? [min, max] : null;
}

export function reportAdapter(opened: Omit<HostGpu, 'gpu'>): AdapterReport {
  const { adapter, host, source } = opened;
  const { vendor, architecture, device, description } = adapter.info;
  const family = [vendor, architecture].filter(Boolean).join(' ');
  const model = description || device;
  return {
    name: model ? (family ? `${model} (${family})` : model) : family || 'unnamed adapter',
    vendor,
    architecture,
    description,
    isSoftware: isSoftwareAdapter(adapter),
    host,
    features: [...adapter.features].sort(),
    subgroupSizes: subgroupSizes(adapter.info),
    limits: plainLimits(adapter.limits),
    source,
  };
}

/** Mesa's software Vulkan ends all loops of an invocation after so many turns in all, without a word. */
const LLVMPIPE_TURNS = 65_535;

/** How many turns the loops of an invocation may take; undefined where nothing cuts them short. */
export const loopTurnsOf = ({ name }: Pick<AdapterReport, 'name'>): number | undefined =>
  /llvmpipe|lavapipe/i.test(name) ? LLVMPIPE_TURNS : undefined;

/** One line for logs: `SwiftShader driver 5.0.0 (google swiftshader), software, node, found in …`. */
export function adapterLine(report: AdapterReport): string {
  const kind = report.isSoftware ? 'software' : 'hardware';
  return `${report.name}, ${kind}, ${report.host}, ${report.source}`;
}
