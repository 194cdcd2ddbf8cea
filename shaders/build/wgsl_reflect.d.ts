// The package declares types for its main file only, which Node cannot load as a module.
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  interface Attribute {
    name: string;
    value: string | string[] | null;
  }
  interface TypeInfo {
    getTypeName(): string;
    /** Bytes. */
    size: number;
    isArray: boolean;
    isStruct: boolean;
    /** Of an array: its elements' type, how many (0: sized by what is bound), bytes from one to the next. */
    format?: TypeInfo;
    count?: number;
    stride?: number;
    members?: { name: string; type: TypeInfo; offset: number }[];
  }
  interface BoundResource {
    group: number;
    binding: number;
    name: string;
    access: string;
    /** 0: uniform; 1: storage; 3: texture; 4: sampler; 5: storage texture. */
    resourceType: number;
    type: TypeInfo;
  }
  interface EntryPoint {
    name: string;
    attributes: Attribute[] | null;
    startLine: number;
    workgroupSize: [number, number, number] | null;
    resources: BoundResource[];
  }
  interface OverrideInfo {
    name: string;
    /** The number of `@id`; 0 without one. */
    id: number;
    type: TypeInfo | null;
    attributes: Attribute[] | null;
  }
  /** Runs a kernel on the CPU and reports accesses that nothing orders. */
  export function detectRaces(
    code: string,
    entryPoint: string,
    dispatch: number[],
    /** By group and binding; written to as the kernel would. A uniform is `{ uniform: … }`. */
    bindings: Record<number, Record<number, unknown>>,
  ): {
    races: { message: string; bufferId: string; a: { line: number }; b: { line: number } }[];
    errors: string[];
  };
  /** A node of the syntax tree; which members it has, depends on its kind. */
  export interface WgslNode {
    readonly astNodeType: string;
    readonly name?: string;
    readonly args?: readonly WgslNode[];
    readonly members?: readonly WgslNode[];
    readonly format?: WgslNode | null;
    readonly postfix?: WgslNode | null;
    readonly [member: string]: unknown;
  }
  export class WgslParser {
    parse(code: string): readonly WgslNode[];
  }
  export class WgslReflect {
    constructor(code: string);
    uniforms: BoundResource[];
    overrides: OverrideInfo[];
    entry: Record<'compute' | 'vertex' | 'fragment', EntryPoint[]>;
    getBindGroups(): (BoundResource[] | undefined)[];
  }
}
