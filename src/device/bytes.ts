/** Amounts of memory. */

export const roundUp = (bytes: number, multiple: number): number =>
  Math.ceil(bytes / multiple) * multiple;

/** `12.5 MiB`, for messages. */
export function formatBytes(bytes: number): string {
  const power = Math.min(3, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${Number(value.toFixed(1))} ${['B', 'KiB', 'MiB', 'GiB'][power]}`;
}
