// The scheduler's rooms: each imports only from those before it, so that none is in a circle.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';

const SCHEDULER = join(import.meta.dirname, '..', 'src', 'scheduler');
/** From the lowest up. */
const ROOMS = ['lower', 'fuse', 'place', 'emit', 'run'];

/** Files of the scheduler that a file imports, or that it hands on. */
function importsOf(room: string, file: string): string[] {
  const text = readFileSync(join(SCHEDULER, room, file), 'utf8');
  return [...text.matchAll(/\bfrom '(\.[^']*)'/g)]
    .map(([, path]) => relative(SCHEDULER, join(SCHEDULER, room, path as string)))
    .filter((path) => !path.startsWith('..'));
}

it('import from lower ones only', () => {
  const folders = readdirSync(SCHEDULER, { withFileTypes: true }).filter((e) => e.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual([...ROOMS].sort());
  const upwards = ROOMS.flatMap((room, floor) =>
    readdirSync(join(SCHEDULER, room)).flatMap((file) =>
      importsOf(room, file)
        .filter((path) => !ROOMS.slice(0, floor + 1).includes(path.split('/')[0] as string))
        .map((path) => `${room}/${file} imports ${path}`),
    ),
  );
  expect(upwards).toEqual([]);
});

it('have no circle of files within', () => {
  const files = ROOMS.flatMap((room) =>
    readdirSync(join(SCHEDULER, room)).map(
      (file) => [`${room}/${file}`, importsOf(room, file)] as const,
    ),
  );
  const left = new Map<string, readonly string[]>(files);
  // Whoever imports nothing that is left may go; a circle stays.
  for (let gone = true; gone; ) {
    gone = false;
    for (const [file, imports] of left) {
      if (imports.some((path) => left.has(path))) continue;
      left.delete(file);
      gone = true;
    }
  }
  expect([...left.keys()]).toEqual([]);
  expect(files.length).toBeGreaterThan(40);
});
