/** A browser tells when the GPU is done; nothing polls. */
export function patiently<T>(work: Promise<T>): Promise<T> {
  return work;
}
