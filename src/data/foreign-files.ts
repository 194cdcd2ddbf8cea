// Files that people try and that are no data set here: what they are, and what to do.

const WAV = 'convert it to WAV (ffmpeg -i in -c:a pcm_s16le out.wav)';
const TABLE = 'save the table as .csv, with to_csv(index=False) or "Save as"';

/** Beginnings of files, at byte 0 unless said otherwise. */
const SIGNATURES: readonly (readonly [signature: string, what: string, at?: number])[] = [
  ['\x89PNG', 'is one image; name the folder that holds the images'],
  ['\xff\xd8\xff', 'is one JPEG image; name the folder that holds the images'],
  ['GIF8', 'is a GIF image; data may be a folder of PNG, JPEG or WebP images'],
  ['RIFF', 'is one WebP image or a film; data may be a folder of images, or sounds as WAV files'],
  ['RF64', `is a WAV file of more than 4 GiB (RF64); ${WAV}`],
  ['RIFX', `is a WAV file in big-endian order (RIFX); ${WAV}`],
  ['ID3\x03', `is an MP3 file; ${WAV}`],
  ['ID3\x04', `is an MP3 file; ${WAV}`],
  ['\xff\xfb', `is an MP3 file; ${WAV}`],
  ['fLaC', `is a FLAC file; ${WAV}`],
  ['OggS', `is an Ogg file; ${WAV}`],
  ['AIFF', `is an AIFF file; ${WAV}`, 8],
  ['AIFC', `is an AIFF file; ${WAV}`, 8],
  ['ftyp', `is an MPEG-4 file (.m4a, .mp4); ${WAV}`, 4],
  ['\x1f\x8b', 'is gzipped twice; unpack it once with gunzip'],
  ['HDF', 'is an HDF5 file (.h5, .mat); save one array of it with np.save', 1],
  ['PAR1', `is a Parquet file; ${TABLE}`],
  ['ARROW1', `is a Feather or Arrow file; ${TABLE}`],
  ['FEA1', `is a Feather file; ${TABLE}`],
  ['MATLAB', 'is a MATLAB file; save one array with np.save(path, scipy.io.loadmat(file)[name])'],
  ['\xd0\xcf\x11\xe0', 'is an old Excel workbook (.xls); save the sheet as CSV UTF-8'],
  ['Rar!', 'is a RAR archive; unpack it and name the file or folder in it'],
  ['7z\xbc\xaf', 'is a 7z archive; unpack it and name the file or folder in it'],
  ['BZh', 'is compressed by bzip2; unpack it with bunzip2'],
  ['\xfd7zXZ', 'is compressed by xz; unpack it with unxz'],
  ['\x28\xb5\x2f\xfd', 'is compressed by zstd; unpack it with unzstd'],
  ['SQLite format', `is an SQLite database; ${TABLE}`],
  ['RDX', `is an R workspace; save the data frame with write.csv(x, file, row.names = FALSE)`],
  ['X\n\0\0', `is R's saveRDS; save the data frame with write.csv(x, file, row.names = FALSE)`],
  ['\x80\x02', 'is a Python pickle; save one array with np.save, or the table with to_csv'],
  ['\x80\x03', 'is a Python pickle; save one array with np.save, or the table with to_csv'],
  ['\x80\x04', 'is a Python pickle; save one array with np.save, or the table with to_csv'],
  ['\x80\x05', 'is a Python pickle; save one array with np.save, or the table with to_csv'],
  ['%PDF', `is a PDF document; ${TABLE}`],
  ['ustar', 'is a tar archive; unpack it and name the file or folder in it', 257],
];

/**
 * @param name of the file
 * @returns what it is and what to do, if it is neither an array nor may be a table of text
 */
export function foreignFile(bytes: Uint8Array, name: string): string | undefined {
  const begins = (text: string, at = 0) =>
    [...text].every((c, i) => bytes[at + i] === c.charCodeAt(0));
  if (bytes.length === 0) return 'is empty';
  if (begins('PK\x03\x04') || begins('PK\x05\x06')) return archive(name);
  const found = SIGNATURES.find(([signature, , at]) => begins(signature, at));
  if (found) return found[1];
  const head = bytes.subarray(0, 4096);
  const start = new TextDecoder('latin1')
    .decode(head)
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  if (/^<(!doctype|html|\?xml|svg)/i.test(start)) {
    return 'is HTML or XML, perhaps the page that was to give the file; data are an IDX or .npy file or a table as text';
  }
  if (/^[{[]\s*["{[\]}]/.test(start)) return `is JSON; ${TABLE}`;
  if (/^(version https:\/\/git-lfs)/.test(start))
    return 'is a pointer of Git LFS; fetch the file with git lfs pull';
  if (/^(%[^\n]*\n\s*)*@(relation|attribute)/i.test(start))
    return 'is an ARFF file; remove the lines up to @data, or save the table as .csv';
  if (/^[+-]?[\d.]+(e[+-]?\d+)?[ \t]+(qid:\d+[ \t]+)?\d+:[+-]?[\d.]+(e[+-]?\d+)?\s/i.test(start)) {
    return 'is a LIBSVM file; save np.hstack([x.toarray(), y[:, None]]) of x, y = sklearn.datasets.load_svmlight_file(path) with np.savetxt';
  }
  return isBinary(head) ? 'is neither an IDX, .npy nor .csv file (gzipped or not)' : undefined;
}

function archive(name: string): string {
  if (/\.(xlsx|xlsm|ods)$/i.test(name))
    return 'is a workbook; save the sheet as CSV UTF-8 ("Save as")';
  if (/\.npz$/i.test(name)) return 'is an archive of arrays (.npz); save one array, with np.save';
  return 'is an archive (.npz or .zip); save one array, with np.save, or unpack it and name the file or folder in it';
}

/** Whether there are control characters that no text has, and not the zeros of UTF-16. */
function isBinary(head: Uint8Array): boolean {
  const controls = head.filter((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27));
  const isWide = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  if (controls.length === 0 || isWide) return false;
  const even = head.filter((byte, i) => i % 2 === 0 && byte === 0).length;
  const odd = head.filter((byte, i) => i % 2 === 1 && byte === 0).length;
  // Latin text in UTF-16 has a zero in every other place.
  return !(
    controls.length === even + odd &&
    Math.max(even, odd) > 0.4 * head.length &&
    Math.min(even, odd) === 0
  );
}
