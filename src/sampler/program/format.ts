// What `program.json` holds: the graphs of a model's draws, as nodes that the small runtime knows.

/** Whole numbers of extents; -k stands for k times the rows that are computed at once. */
export type Extents = readonly number[];

/**
 * A node by its op, its operands, which are places of nodes before it, and what else it is made of:
 * `w [] name shape` a tensor of the weights, `c [] value`, `in [] name shape` what is fed, `noise [] kind shape`,
 * `state [] shape` memory between legs; `reshape [x] shape`, `expand [x] shape`, `transpose [x] order`,
 * `slice [x] axis start end`, `concat parts axis`; `linear [x, w]` = x wᵀ over the last axes; `sum`, `max`,
 * `logSumExp` `[x] axes`, which keep their axes; `gather [table, index]`, `pick [x, index]` of the last axis;
 * `patches [x] window`, `overlap [y] window` of images [B, H, W, C], with a window
 * [rows, columns, stride, dilation, top, left, height, width]; `solve [y, w] isReversed`;
 * `gru`, `lstm` `[inputs, weight, bias, start]`; `assign [state, value]`, `scatter [state, index, rows]`, which
 * take effect at the end of a leg; else a function of numbers and its broadcast operands.
 */
export type ProgramNode = readonly [
  op: string,
  operands: readonly number[],
  ...(string | number | Extents)[],
];

/** Legs are effects together; `order` is which of them follow each other, each so many times. */
export interface ProgramPart {
  readonly legs: readonly (readonly number[])[];
  readonly order: readonly (readonly [leg: number, times: number])[];
  /** The result, [B, ...]. */
  readonly out: number;
}

/**
 * The kernel of a node that has memory of its own: the nodes whose memory it reads; the invocations that it
 * takes, a quarter of the first product, rounded up, times the second; numbers of an element; WGSL that
 * writes `y` at `i`, of `a0`, `a1` … for `n` rows.
 */
export type ProgramKernel = readonly [
  node: number,
  operands: readonly number[],
  grid: readonly [quads: Extents, each: Extents],
  width: 1 | 4,
  code: string,
];

/** Of each noise node that is drawn its stream. */
export type Streams = readonly (readonly [node: number, stream: number])[];

export interface ProgramJson {
  readonly version: 1;
  /** Rows of a block, and the steps whose noise it takes. */
  readonly rows: number;
  readonly stride: number;
  /** Numbers of a code; 0: it has none. */
  readonly latent: number;
  /** Names of classes that rows are told, numbers of clusters, numbers of each layer's code. */
  readonly classes?: readonly string[];
  readonly clusters?: number;
  readonly layers?: readonly number[];
  readonly hasTemperature?: boolean;
  /** Orders of places, of which every row takes one. */
  readonly orders?: number;
  readonly nodes: readonly ProgramNode[];
  /** What a GPU is given, in the order of their nodes, and functions that they call. */
  readonly kernels: readonly ProgramKernel[];
  readonly functions: string;
  /** Codes of noise, codes of clusters, rows of codes: their means, or draws of them. */
  readonly parts: Readonly<Partial<Record<'codes' | 'clusters' | 'mean' | 'draw', ProgramPart>>>;
  /** By what is asked for: samples' means, draws; draws of codes that are given; clusters' means, draws. */
  readonly streams: Readonly<
    Partial<Record<'mean' | 'draw' | 'decoded' | 'clusterMean' | 'clusterDraw', Streams>>
  >;
}
