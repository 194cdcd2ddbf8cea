// What a shader declares: its entry points, bindings and overrides, read from its text.
import {
  type BoundResource,
  type TypeInfo,
  WgslReflect,
} from 'wgsl_reflect/wgsl_reflect.module.js';
import { LatentGpuError } from '../errors.ts';
import { formatDiagnostic, type Shader } from './diagnostics.ts';
import type { Layout, Scalar } from './layout.ts';

export interface EntryPoint {
  readonly name: string;
  readonly stage: 'compute' | 'vertex' | 'fragment';
  /** Line of its declaration, from 1. */
  readonly line: number;
  /** Of a compute shader, with the overrides' defaults; absent if it takes a compiler to tell. */
  readonly workgroupSize?: readonly [number, number, number];
  /** Names of the bindings that it uses, itself or in functions that it calls. */
  readonly bindings: readonly string[];
}

export interface Binding {
  readonly group: number;
  readonly binding: number;
  readonly name: string;
  /** As WGSL writes it: `array<vec4f>`, `Params`, `texture_2d<f32>`. */
  readonly type: string;
  readonly kind: 'uniform' | 'storage' | 'texture' | 'sampler';
  readonly access: 'read' | 'write' | 'read_write';
  /** Bytes; of an array without a size, those of one element. 0 for what is no buffer. */
  readonly size: number;
  /** How a buffer's content lies in memory. */
  readonly layout?: Layout;
}

export interface Override {
  readonly name: string;
  /** The number of `@id`, if it has one. */
  readonly id?: number;
  readonly type?: string;
}

/** What is declared in a shader. */
export interface ShaderInfo {
  readonly entryPoints: readonly EntryPoint[];
  readonly bindings: readonly Binding[];
  readonly overrides: readonly Override[];
}

const scalars: Record<string, Scalar> = { f: 'f32', i: 'i32', u: 'u32', h: 'f16' };
const kinds = ['uniform', 'storage', undefined, 'texture', 'sampler', 'texture'] as const;

/** WGSL's own writing of a type: an array without a size is read as one of size 0. */
const nameOf = (type: TypeInfo) => type.getTypeName().replace(/, 0>/g, '>');

function numbers(name: string, scalar: Scalar, columns: number, rows: number): Layout {
  const width = scalar === 'f16' ? 2 : 4;
  // A column of three takes the room of four.
  const stride = width * (columns > 1 && rows === 3 ? 4 : rows);
  const size = columns > 1 ? columns * stride : width * rows;
  return { kind: 'numbers', name, scalar, columns, rows, stride, size };
}

/** @throws Error for a type that cannot lie in a buffer */
function layoutOf(type: TypeInfo): Layout {
  const name = nameOf(type);
  const plain = name.replace(/^atomic<(.*)>$/, '$1');
  if (/^([fiu]32|f16)$/.test(plain)) return numbers(name, plain as Scalar, 1, 1);
  const vector = /^vec([234])([fiuh])$/.exec(plain);
  if (vector) return numbers(name, scalars[vector[2] as string] as Scalar, 1, Number(vector[1]));
  const matrix = /^mat([234])x([234])([fh])$/.exec(plain);
  if (matrix) {
    const [, columns, rows, letter] = matrix;
    return numbers(name, scalars[letter as string] as Scalar, Number(columns), Number(rows));
  }
  if (type.isArray && type.format) {
    const { count = 0, stride = 0 } = type;
    return { kind: 'array', name, element: layoutOf(type.format), count, stride, size: type.size };
  }
  if (type.isStruct && type.members) {
    const members = type.members.map((member) => ({
      name: member.name,
      offset: member.offset,
      layout: layoutOf(member.type),
    }));
    return { kind: 'struct', name, members, size: type.size };
  }
  throw new Error(`a buffer cannot hold a ${name}`);
}

function bindingOf(found: BoundResource): Binding {
  const kind = kinds[found.resourceType] ?? 'storage';
  const isBuffer = kind === 'uniform' || kind === 'storage';
  const layout = isBuffer ? layoutOf(found.type) : undefined;
  const open = layout?.kind === 'array' && layout.count === 0;
  return {
    group: found.group,
    binding: found.binding,
    name: found.name,
    type: nameOf(found.type),
    kind,
    access: (found.access || 'read') as Binding['access'],
    size: open ? layout.stride : (layout?.size ?? 0),
    ...(layout && { layout }),
  };
}

/** The arguments of `@workgroup_size`, one level of parentheses deep. */
const WORKGROUP_SIZE = /@workgroup_size\s*\(((?:[^()]|\([^()]*\))*)\)/g;

const isPlain = (argument: string) => /^\s*(\w+\s*)?$/.test(argument);

/** Puts a 0, which no shader has, where the parser would not take the expression; keeps lines. */
function simplified(code: string): string {
  return code.replace(WORKGROUP_SIZE, (whole, list: string) => {
    if (list.split(',').every(isPlain)) return whole;
    return `@workgroup_size(0)${'\n'.repeat(whole.split('\n').length - 1)}`;
  });
}

function readInfo(code: string): ShaderInfo {
  const found = new WgslReflect(simplified(code));
  const stages = ['compute', 'vertex', 'fragment'] as const;
  return {
    entryPoints: stages.flatMap((stage) =>
      found.entry[stage].map((entry) => {
        const size = entry.workgroupSize;
        return {
          name: entry.name,
          stage,
          line: entry.startLine,
          ...(size && size[0] > 0 && { workgroupSize: size }),
          bindings: entry.resources.map(({ name }) => name),
        };
      }),
    ),
    bindings: found
      .getBindGroups()
      .flatMap((group) => group ?? [])
      .filter((binding) => binding !== undefined)
      .map(bindingOf),
    overrides: found.overrides.map(({ name, attributes, id, type }) => ({
      name,
      ...(attributes?.some((attribute) => attribute.name === 'id') && { id }),
      ...(type && { type: nameOf(type) }),
    })),
  };
}

/**
 * Reads a shader's declarations. The compiler is the judge of what is right; this only reads.
 *
 * @throws LatentGpuError `bad-kernel` for a text that it cannot read, which may be right nonetheless
 */
export function reflect(shader: Shader): ShaderInfo {
  try {
    return readInfo(shader.code);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    const line = Number(/Line:?\s*(\d+)/i.exec(said)?.[1] ?? 0);
    const reason = said.replace(/\.*\s*Line:?\s*\d+.*$/i, '').trim();
    const message = `its declarations could not be read: ${reason}`;
    const diagnostic = { severity: 'error', line, column: 0, length: 0, message } as const;
    throw new LatentGpuError('bad-kernel', formatDiagnostic(shader, diagnostic), { cause });
  }
}
