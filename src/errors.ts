/** What went wrong, as a stable word that programs may test for. */
export type ErrorCode =
  | 'no-adapter'
  | 'limit-exceeded'
  | 'shape-mismatch'
  | 'device-lost'
  | 'out-of-memory'
  | 'validation'
  | 'bad-format'
  | 'not-finite'
  | 'bad-config'
  | 'bad-kernel'
  | 'bad-input'
  | 'bad-data'
  | 'io'
  | 'interrupted';

/**
 * The one error class of this library. `code` is stable; `message` says what went wrong, where,
 * and how to mend it, and may change between versions.
 *
 * @example new LatentGpuError('bad-input', 'a batch of 0 rows; it takes one or more').code // "bad-input"
 */
export class LatentGpuError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LatentGpuError';
    this.code = code;
  }
}

/**
 * Whether `error` is a {@link LatentGpuError}, and if `code` is given, one with that code. Goes by
 * the name and not the class, because an error may come from another copy of the library or have
 * crossed a worker boundary.
 *
 * @example isLatentGpuError(new Error('another one')) // false
 */
export function isLatentGpuError(error: unknown, code?: ErrorCode): error is LatentGpuError {
  return (
    error instanceof Error &&
    error.name === 'LatentGpuError' &&
    'code' in error &&
    (code === undefined || error.code === code)
  );
}
