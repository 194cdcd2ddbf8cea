// Files on their way in and out: dropped or chosen, and downloaded.
import type { OwnFile } from '../protocol.ts';

/** @param opened called with the files that the visitor drops anywhere on the page */
export function acceptDrops(opened: (files: readonly OwnFile[]) => void): void {
  let entered = 0;
  const dropping = (change: number) => {
    entered = Math.max(0, entered + change);
    document.body.classList.toggle('dropping', entered > 0);
  };
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
  addEventListener('dragenter', (event) => hasFiles(event) && dropping(1));
  addEventListener('dragleave', (event) => hasFiles(event) && dropping(-1));
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    dropping(-entered);
    const { items, files } = event.dataTransfer ?? {};
    // Asked before the first await, after which the browser forgets them.
    const entries = [...(items ?? [])].map((item) => item.webkitGetAsEntry?.() ?? null);
    const flat = [...(files ?? [])].map(plain);
    void filesOf(entries, flat)
      // Whoever reads the files says what is the matter with them.
      .catch(() => flat)
      .then((found) => found.length > 0 && opened(found));
  });
}

/** @param opened called with the files that the visitor chooses */
export function acceptChoices(
  input: HTMLInputElement,
  opened: (files: readonly OwnFile[]) => void,
): void {
  input.addEventListener('change', () => {
    opened([...(input.files ?? [])].map(plain));
    // So that the same files can be chosen again.
    input.value = '';
  });
}

const plain = (file: File): OwnFile => ({ file, path: file.webkitRelativePath || file.name });

/** Folders within a folder that are looked into: one a class. */
const DEPTH = 3;

/** The files dropped; of a folder, those that lie in it and in its folders. */
async function filesOf(
  entries: readonly (FileSystemEntry | null)[],
  files: readonly OwnFile[],
): Promise<OwnFile[]> {
  const folders = entries.filter((entry) => entry?.isDirectory) as FileSystemDirectoryEntry[];
  if (folders.length === 0) return [...files];
  const names = folders.map(({ name }) => name);
  const inside = await Promise.all(folders.map((folder) => list(folder, DEPTH)));
  return [...files.filter(({ path }) => !names.includes(path)), ...inside.flat()];
}

async function list(folder: FileSystemDirectoryEntry, depth: number): Promise<OwnFile[]> {
  if (depth === 0) return [];
  const reader = folder.createReader();
  const found: OwnFile[] = [];
  for (;;) {
    // A hundred at a time.
    const some = await new Promise<FileSystemEntry[]>((done, failed) => {
      reader.readEntries(done, failed);
    });
    if (some.length === 0) return found;
    for (const entry of some) {
      if (entry.isDirectory) {
        found.push(...(await list(entry as FileSystemDirectoryEntry, depth - 1)));
        continue;
      }
      const file = await new Promise<File>((done, failed) => {
        (entry as FileSystemFileEntry).file(done, failed);
      });
      found.push({ file, path: entry.fullPath.replace(/^\//, '') });
    }
  }
}

export function download(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes]));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
