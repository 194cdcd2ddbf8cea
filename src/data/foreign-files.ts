// Files that people try and that are no data set here: what they are, and what to do.

const WAV = 'convert it to WAV (ffmpeg -i in -c:a pcm_s16le out.wav)';
const TABLE = 'save the table as .csv, with to_csv(index=False) or "Save as"';

/** A command that mends it, where the file has a name that a shell takes as it is. */
const python = (code: string) => `python -c "${code}"`;
const pandas = (read: string) =>
  `save it as a table, ${python(`import pandas as pd; pd.${read}('FILE').to_csv('STEM.csv', index=False)`)}`;
const numpy = (imports: string, array: string) =>
  `save one array, ${python(`import numpy as np, ${imports}; np.save('STEM.npy', ${array})`)}`;
const STATA = `is a Stata file; ${pandas('read_stata')}`;
const PICKLE = `is a Python pickle; ${pandas('read_pickle')} if it is a DataFrame, else one array with np.save`;

/** Beginnings of files, at byte 0 unless said otherwise; `FILE` stands for its path, `STEM` for that without its ending. */
const SIGNATURES: readonly (readonly [signature: string, what: string, at?: number])[] = [
  ['\x89PNG', 'is one image; name the folder that holds the images'],
  ['\xff\xd8\xff', 'is one JPEG image; name the folder that holds the images'],
  ['GIF8', 'is a GIF image; data may be a folder of PNG, JPEG, WebP, BMP or PNM images'],
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
  ['HDF', `is an HDF5 file (.h5, .mat); ${numpy('h5py', "h5py.File('FILE')['NAME'][()]")}`, 1],
  ['PAR1', `is a Parquet file; ${pandas('read_parquet')}`],
  ['ARROW1', `is a Feather or Arrow file; ${pandas('read_feather')}`],
  ['FEA1', `is a Feather file; ${pandas('read_feather')}`],
  ['MATLAB', `is a MATLAB file; ${numpy('scipy.io', "scipy.io.loadmat('FILE')['NAME']")}`],
  ['\xd0\xcf\x11\xe0', `is an old Excel workbook (.xls); ${pandas('read_excel')}`],
  ['<stata_dta>', STATA],
  ['q\x02\x01\0', STATA],
  ['r\x02\x01\0', STATA],
  ['s\x02\x01\0', STATA],
  ['$FL2', `is an SPSS file; ${pandas('read_spss')}`],
  ['\xc2\xea\x81\x60', `is a SAS file; ${pandas('read_sas')}`, 12],
  ['ORC', `is an ORC file; ${pandas('read_orc')}`],
  ['Obj\x01', `is an Avro file; ${TABLE}`],
  ['Rar!', 'is a RAR archive; unpack it and name the file or folder in it'],
  ['7z\xbc\xaf', 'is a 7z archive; unpack it and name the file or folder in it'],
  ['BZh', 'is compressed by bzip2; unpack it with bunzip2'],
  ['\xfd7zXZ', 'is compressed by xz; unpack it with unxz'],
  ['\x28\xb5\x2f\xfd', 'is compressed by zstd; unpack it with unzstd'],
  ['SQLite format', `is an SQLite database; ${TABLE}`],
  ['RDX', `is an R workspace; save the data frame with write.csv(x, file, row.names = FALSE)`],
  ['X\n\0\0', `is R's saveRDS; save the data frame with write.csv(x, file, row.names = FALSE)`],
  ['\x80\x02', PICKLE],
  ['\x80\x03', PICKLE],
  ['\x80\x04', PICKLE],
  ['\x80\x05', PICKLE],
  [
    '%%MatrixMarket',
    `is a Matrix Market file; ${numpy('scipy.io, scipy.sparse', "scipy.sparse.csr_matrix(scipy.io.mmread('FILE')).toarray()")}`,
  ],
  ...['P1', 'P2', 'P3', 'P4', 'P5', 'P6'].map(
    (mark) => [`${mark}\n`, 'is one PNM image; name the folder that holds the images'] as const,
  ),
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
  if (begins('PK\x03\x04') || begins('PK\x05\x06')) {
    return 'is a zip archive in another; unpack it, and name a file or folder of it';
  }
  const found = SIGNATURES.find(([signature, , at]) => begins(signature, at));
  if (found) return named(found[1], name);
  const head = bytes.subarray(0, 4096);
  const start = new TextDecoder('latin1')
    .decode(head)
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  if (/^<(!doctype|html|\?xml|svg|table)/i.test(start)) {
    return 'is HTML or XML, perhaps the page that was to give the file; data are an IDX or .npy file or a table as text';
  }
  if (isJson(start)) return `is JSON; ${TABLE}`;
  if (/^(version https:\/\/git-lfs)/.test(start))
    return 'is a pointer of Git LFS; fetch the file with git lfs pull';
  if (/^(%[^\n]*\n\s*)*@(relation|attribute)/i.test(start))
    return 'is an ARFF file; remove the lines up to @data, or save the table as .csv';
  if (LIBSVM.test(start)) {
    return 'is a LIBSVM file; save np.hstack([x.toarray(), y[:, None]]) of x, y = sklearn.datasets.load_svmlight_file(path) with np.savetxt';
  }
  return isBinary(head) ? 'is neither an IDX, .npy nor .csv file (gzipped or not)' : undefined;
}

/** A label and numbered values a line; comments above, and rows of noughts alone. */
const LIBSVM =
  /^(#[^\n]*\n\s*)*([+-]?[\d.]+[ \t]*\r?\n)*[+-]?[\d.,]+(e[+-]?\d+)?[ \t]+(qid:\d+[ \t]+)?\d+:[+-]?[\d.]+(e[+-]?\d+)?\s/i;

/**
 * Whether text begins as JSON does.
 *
 * @param start of the file as text
 */
export const isJson = (start: string): boolean => /^[{[]\s*["{[\]}\d-]/.test(start);

/** What programs keep in zip archives, by a file that is in it. */
const ARCHIVES: readonly (readonly [RegExp, string])[] = [
  [/^xl\//, `is an Excel workbook; ${pandas('read_excel')}`],
  [/^content\.xml$/, `is a document of LibreOffice or the like; save a sheet as .csv`],
  [/(^|\/)data\.pkl$/, `is a PyTorch file; ${numpy('torch', "torch.load('FILE').numpy()")}`],
  [/\.weights\.h5$/, 'is a Keras model, and no data'],
  [/^word\//, `is a Word document; ${TABLE}`],
];

/**
 * @param entries names of the files in a zip archive that is none of arrays
 * @returns what it is and what to do, unless it holds one file
 */
export function foreignArchive(entries: readonly string[], name: string): string | undefined {
  const found = ARCHIVES.find(([form]) => entries.some((entry) => form.test(entry)));
  if (found) return named(found[1], name);
  if (entries.length === 1) return undefined;
  const shown = `${entries.slice(0, 5).join(', ')}${entries.length > 5 ? ', …' : ''}`;
  const what = entries.length === 0 ? 'without a file' : `of ${entries.length} files (${shown})`;
  return `is a zip archive ${what}; unpack it, and name a file or folder of it`;
}

/** With the file's own name, where that needs no quotes. */
const named = (what: string, name: string) =>
  /^[\w./~+-]+$/.test(name) && name.length < 100
    ? what.replaceAll('FILE', name).replaceAll('STEM', name.replace(/(.)\.\w+$/, '$1'))
    : what.replaceAll('STEM', 'FILE');

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
