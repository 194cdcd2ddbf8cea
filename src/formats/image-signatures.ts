// How images of each format begin.

/** Whether a text of single bytes stands at a place. */
export const begins = (bytes: Uint8Array, at: number, text: string): boolean =>
  [...text].every((c, i) => bytes[at + i] === c.charCodeAt(0));

/** Whether `bytes` begin as a JPEG file does. */
export const isJpeg = (bytes: Uint8Array): boolean => begins(bytes, 0, '\xff\xd8\xff');

/** Whether `bytes` begin as a WebP file does. */
export const isWebp = (bytes: Uint8Array): boolean =>
  begins(bytes, 0, 'RIFF') && begins(bytes, 8, 'WEBP');
