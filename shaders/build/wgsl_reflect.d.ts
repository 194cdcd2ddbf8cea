// The package declares types for its main file only, which Node cannot load as a module.
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  interface BoundResource {
    group: number;
    binding: number;
    name: string;
    access: string;
    /** 0: uniform; 1: storage. */
    resourceType: number;
    type: { getTypeName(): string };
  }
  interface EntryPoint {
    name: string;
    attributes: { name: string; value: string | string[] | null }[] | null;
  }
  /** Runs a kernel on the CPU and reports accesses that nothing orders. */
  export function detectRaces(
    code: string,
    entryPoint: string,
    dispatch: number[],
    /** By group and binding; written to as the kernel would. */
    bindings: Record<number, Record<number, Float32Array>>,
  ): { races: { message: string }[] };
  export class WgslReflect {
    constructor(code: string);
    entry: { compute: EntryPoint[] };
    getBindGroups(): (BoundResource[] | undefined)[];
  }
}
