// Nothing is in a circle: the scheduler's rooms import only from those before them, and no file of the library
// needs one that needs it.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';

const SOURCE = join(import.meta.dirname, '..', 'src');
const SCHEDULER = join(SOURCE, 'scheduler');
/** From the lowest up. */
const ROOMS = ['lower', 'fuse', 'place', 'emit', 'run'];
const IMPORT = /\b(?:import|export) [^;'"]*?\s*from '(\.[^']*)'/g;

/** Files that a file imports or hands on, for their types too. */
const importsOf = (path: string): string[] =>
  [...readFileSync(path, 'utf8').matchAll(IMPORT)].map(([, from]) =>
    join(dirname(path), from as string),
  );

/** Whoever imports nothing that is left may go; a circle stays. */
function inCircles(files: readonly string[]): string[] {
  const left = new Map(files.map((path) => [path, importsOf(path)]));
  for (let gone = true; gone; ) {
    gone = false;
    for (const [file, imports] of left) {
      if (imports.some((path) => left.has(path))) continue;
      left.delete(file);
      gone = true;
    }
  }
  return [...left.keys()].map((path) => relative(SOURCE, path));
}

const filesOf = (room: string) => readdirSync(join(SCHEDULER, room));

it('rooms of the scheduler import from lower ones only', () => {
  const folders = readdirSync(SCHEDULER, { withFileTypes: true }).filter((e) => e.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual([...ROOMS].sort());
  const upwards = ROOMS.flatMap((room, floor) =>
    filesOf(room).flatMap((file) =>
      importsOf(join(SCHEDULER, room, file))
        .map((path) => relative(SCHEDULER, path))
        .filter((path) => !path.startsWith('..'))
        .filter((path) => !ROOMS.slice(0, floor + 1).includes(path.split('/')[0] as string))
        .map((path) => `${room}/${file} imports ${path}`),
    ),
  );
  expect(upwards).toEqual([]);
});

it('the library has no circle of files, types included', () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(SOURCE, path));
  expect(files.length).toBeGreaterThan(700);
  expect(inCircles(files)).toEqual([]);
});
