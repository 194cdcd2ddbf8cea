// What shaders/lib holds is there for somebody: nothing lies in it that no kernel can reach.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { SHADERS, wgslFiles } from '../shaders/build/generate.ts';
import { allOps } from '../src/graph/tensor.ts';
import { type Declaration, itemsOf, wordsOf } from '../src/kernels/declarations.ts';
import { importedAs } from '../src/kernels/template.ts';
import '../src/ops/index.ts';

interface File {
  readonly name: string;
  readonly declarations: readonly Declaration[];
}

/** A file's own declarations; what a hook holds by default stands for what will be composed there. */
function fileAt(path: string): File {
  const name = relative(SHADERS, path);
  const text = readFileSync(path, 'utf8');
  // What is imported as a or as b is there for both.
  const texts = /\bx_/.test(text) ? ['a', 'b'].map((as) => importedAs(text, as)) : [text];
  const items = texts.flatMap((each) => itemsOf(name, each));
  return {
    name,
    declarations: items.flatMap((i) => (i.kind === 'declaration' ? i.declaration : [])),
  };
}

/** Words of what the scheduler writes into kernels: its calls stand in strings. */
function composed(): string[] {
  const folder = join(SHADERS, '..', 'src', 'scheduler', 'emit');
  const strings = /'[^'\n]*'|`[^`]*`/g;
  return readdirSync(folder)
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').match(strings) ?? [])
    .flatMap((text) => [...wordsOf(text)]);
}

/** Names of the library's functions that nothing reaches from `roots`. */
function unreached(library: readonly File[], roots: Iterable<string>): string[] {
  const byName = new Map<string, Declaration[]>();
  for (const { declarations } of library) {
    for (const declaration of declarations) {
      const name = declaration.name ?? '';
      byName.set(name, [...(byName.get(name) ?? []), declaration]);
    }
  }
  const reached = new Set<string>();
  const visit = (word: string): void => {
    // A loop that is unrolled over s makes other_1, other_2 … of other_s.
    const unrolled = /^(.*_)[a-z]$/.exec(word)?.[1];
    if (unrolled !== undefined) {
      for (const name of byName.keys()) {
        if (name.startsWith(unrolled) && /^\d+$/.test(name.slice(unrolled.length))) visit(name);
      }
    }
    if (reached.has(word) || !byName.has(word)) return;
    reached.add(word);
    for (const { words } of byName.get(word) as Declaration[])
      for (const next of words) visit(next);
  };
  for (const root of roots) visit(root);
  return [...byName]
    .filter(([name, [first]]) => !reached.has(name) && /\bfn\s/.test(first?.text ?? ''))
    .map(([name]) => name);
}

it('holds no function that no kernel reaches', () => {
  const files = wgslFiles().map(fileAt);
  const library = files.filter(({ name }) => name.startsWith('lib'));
  const skeletons = files.filter((file) => !library.includes(file));
  const roots = [
    ...allOps().map(({ snippet }) => snippet?.fn ?? ''),
    ...skeletons.flatMap(({ declarations }) => declarations.flatMap(({ words }) => [...words])),
    ...composed(),
  ];
  expect(unreached(library, roots)).toEqual([]);
  // The search finds what is missing: one that only itself would call.
  const idle = { name: 'lib/idle', declarations: itemsOf('lib/idle', 'fn idle() { idle(); }') };
  const alone = idle.declarations.flatMap((i) => (i.kind === 'declaration' ? i.declaration : []));
  expect(unreached([...library, { name: 'lib/idle', declarations: alone }], roots)).toEqual([
    'idle',
  ]);
});
