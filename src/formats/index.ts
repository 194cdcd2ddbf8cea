// File formats: bytes in, bytes out.
export { gunzip, isGzip } from './gzip.ts';
export { isIdx, readIdx, writeIdx } from './idx.ts';
export { isNpy, readNpy, writeNpy } from './npy.ts';
export { readSafetensors, writeSafetensors } from './safetensors.ts';
