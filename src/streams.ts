// Which streams of random numbers belong to whom. A stream is never used twice with one seed, and its
// number decides which numbers follow from a seed: none of these may change.

/** Noise tensors of a graph that name no stream are numbered from here on, in the order of use. */
export const FIRST_UNNAMED_STREAM = 1024;

/** The same of a density of codes, whose draws a model with noise of its own decodes by the same seed. */
export const FIRST_STREAM_OF_CODES = 2048;

/** Which of a masked net's orders a row is drawn by. */
export const CHOSEN_MASKS = 307;

/** Of the host's own draws. */
export const STREAMS = {
  trainingDigits: 0,
  testDigits: 1,
  shuffle: 2,
  /** Grey values drawn as 0 or 1, once for a run, and for an evaluation. */
  binarizedOnce: 101,
  binarizedForEvaluation: 102,
  /** What spreads points of one dimension over a picture. */
  spreadPoints: 103,
  spreadCodes: 104,
  certificate: 105,
  /** Which values are hidden from a model. */
  hidden: 106,
  /** Which values are replaced by those of other rows. */
  corrupted: 107,
  /** Which rows keep their classes. */
  hiddenLabels: 108,
  /** The demo's codes, and which images it shows. */
  shownSamples: 201,
  shownImages: 202,
  permutation: 301,
  matrix: 302,
  /** Orders and ranks of masked nets, and which of them a row is drawn by. */
  masks: 306,
  chosenMasks: CHOSEN_MASKS,
  /** Rows that a mixture's start looks at, and its starts. */
  mixtureRows: 303,
  mixtureStart: 304,
  /** Rows among which clusters are looked for. */
  linkedRows: 308,
  /** Rows that pseudo-inputs start as. */
  pseudoInputs: 305,
  trainingPlane: 401,
  testPlane: 402,
  trainingSignals: 403,
  testSignals: 404,
  /** Which series are held out. */
  heldOutSeries: 405,
} as const;

/** Of Markov chains on the GPU, whose noise has a key of its own. */
export const CHAIN_STREAMS = {
  start: 501,
  momentum: 502,
  stepSize: 503,
  acceptance: 504,
} as const;

/**
 * Streams of the plan that draws codes and decodes them: where the decoder's own noise is met first, as
 * a Bernoulli's is, the codes' comes second.
 */
export function samplingStreams(isDecodersFirst: boolean): { codes: number; decoder: number } {
  const [first, second] = [FIRST_UNNAMED_STREAM, FIRST_UNNAMED_STREAM + 1];
  return isDecodersFirst ? { codes: second, decoder: first } : { codes: first, decoder: second };
}
