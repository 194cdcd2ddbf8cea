// How WGSL folds a row: by quads within a row, by single values over rows.

/** A fold as lines of WGSL. `acc` is the accumulator, `value` what is folded. */
export interface Fold {
  start: (acc: string) => string;
  add: (acc: string, value: string) => string;
  /** The function by which invocations that share a row join what they have folded. */
  finish: string;
  /** The same where each of them keeps to one quad of the row. */
  finishLine: string;
  /** What changes no fold. */
  neutral: string;
}

/** Of quads, four elements at a time. */
export const folds: Record<string, Fold> = {
  sum: {
    start: (acc) => `var ${acc} = vec4f(0.0);`,
    add: (acc, value) => `${acc} += ${value};`,
    finish: 'fold_sum',
    finishLine: 'line_sum',
    neutral: '0.0',
  },
  max: {
    start: (acc) => `var ${acc} = vec4f(-3.4e38);`,
    add: (acc, value) => `${acc} = maximum(${acc}, ${value});`,
    finish: 'fold_max',
    finishLine: 'line_max',
    neutral: '-3.4e38',
  },
  logSumExp: {
    start: (acc) => `var ${acc} = lse_start();`,
    add: (acc, value) => `${acc} = lse_add4(${acc}, ${value});`,
    finish: 'fold_logsumexp',
    finishLine: 'line_logsumexp',
    neutral: '-3.0e38',
  },
};

/** Of one value a row, over the rows of a block; the accumulator is a number. */
export const blockFolds: Record<
  string,
  Omit<Fold, 'neutral' | 'finishLine'> & { whole: (acc: string) => string }
> = {
  sum: {
    start: (acc) => `var ${acc} = 0.0;`,
    add: (acc, value) => `${acc} += ${value};`,
    finish: 'fold_sum',
    whole: (acc) => `vec4f(${acc}, 0.0, 0.0, 0.0)`,
  },
  max: {
    start: (acc) => `var ${acc} = -3.4e38;`,
    add: (acc, value) => `${acc} = select(${acc}, ${value}, ${value} > ${acc});`,
    finish: 'fold_max',
    whole: (acc) => `vec4f(${acc})`,
  },
  logSumExp: {
    start: (acc) => `var ${acc} = lse_start();`,
    add: (acc, value) => `${acc} = lse_add(${acc}, ${value});`,
    finish: 'fold_logsumexp',
    whole: (acc) => acc,
  },
};

/** How one invocation joins the four lanes of an accumulator. */
export const quadFolds: Record<string, (acc: string) => string> = {
  sum: (acc) => `quad_sum(${acc})`,
  max: (acc) => `quad_max(${acc})`,
  logSumExp: (acc) => `lse_finish(${acc})`,
};
