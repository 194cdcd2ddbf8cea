// Columns that a model is told, as `--where` says them: `age=40,dose=2`, in the units of the data.
import { Option } from 'commander';
import { type Category, columnsOf, placesOf } from '../../categories.ts';
import type { ImageDataset } from '../../data/dataset.ts';
import { LatentGpuError } from '../../errors.ts';
import { listed, quote } from '../../formats/message.ts';
import type { Model } from '../../models/index.ts';
import { nearest } from '../../nearest.ts';
import type { LoadedModel } from '../../training/model-folder.node.ts';

export const whereOption = (help: string): Option =>
  new Option('--where <column=value,…>', `of a model that is told columns: ${help}`);

const bad = (why: string) => new LatentGpuError('bad-input', why);

/** Columns of a table that a model is told: what each is called, its heading or its number from 1, and its features. */
function toldColumns({ config, model }: LoadedModel) {
  const { columns, categories } = config.data;
  const given = model.can.given?.columns ?? [];
  return columnsOf(model.features, categories)
    .map((each, i) => {
      const isNumber = typeof each === 'number';
      const place = isNumber ? each : each.at;
      const name = isNumber ? columns?.[each] : each.column;
      return { name: name ?? String(i + 1), place, ...(!isNumber && { category: each }) };
    })
    .filter(({ place }) => given.includes(place))
    .sort((a, b) => given.indexOf(a.place) - given.indexOf(b.place));
}

/** Columns and what they are said to be. Headings and words may have commas and signs in them, and are known. */
function pairsOf(
  text: string,
  told: readonly { readonly name: string; readonly category?: Category }[],
): [name: string, said: string][] {
  const pairs: [string, string][] = [];
  for (let rest: string | undefined = text; rest !== undefined; ) {
    const from: string = rest.trimStart();
    const isSaid = ({ name }: { name: string }) =>
      from.startsWith(name) && /^\s*=/.test(from.slice(name.length));
    const column = longest(told.filter(isSaid), ({ name }) => name);
    const value = column && from.slice(column.name.length).replace(/^\s*=\s*/, '');
    const levels = column?.category?.levels.filter(
      (word) => value?.startsWith(word) && /^\s*(,|$)/.test(value.slice(word.length)),
    );
    const word = longest(levels ?? [], (each) => each);
    if (column && value !== undefined && word !== undefined) {
      pairs.push([column.name, word]);
      const after = value.slice(word.length).trimStart();
      rest = after === '' ? undefined : after.slice(1);
      continue;
    }
    const [part = ''] = from.split(/(?<==[^=,]*),/);
    const sign = part.lastIndexOf('=');
    if (sign < 0) {
      throw bad(`--where ${quote(part.trim())}: say a column and a value, ${told[0]?.name}=1`);
    }
    const name = column?.name ?? part.slice(0, sign);
    pairs.push([name.trim(), part.slice(part.indexOf('=', name.length) + 1).trim()]);
    rest = part.length < from.length ? from.slice(part.length + 1) : undefined;
  }
  return pairs;
}

function longest<T>(all: readonly T[], text: (each: T) => string): T | undefined {
  return [...all].sort((a, b) => text(b).length - text(a).length)[0];
}

/**
 * Values of columns by their places, as the model sees them.
 *
 * @param needsAll whether all that the model is told has to be said
 * @throws LatentGpuError `bad-input` for a model that is told none, other columns, and what are no numbers
 */
export function whereOf(
  loaded: LoadedModel,
  dir: string,
  text: string | undefined,
  needsAll = false,
): { where?: ReadonlyMap<number, number> } {
  const { model, standardization } = loaded;
  const { given } = model.can;
  if (!given) {
    if (text === undefined) return {};
    throw bad(`${dir} holds a model that is told no columns; leave out --where`);
  }
  const told = toldColumns(loaded);
  const names = told.map(({ name }) => name);
  const where = new Map<number, number>();
  for (const [name, said] of text === undefined ? [] : pairsOf(text, told)) {
    const column = told[names.indexOf(name)];
    if (!column) {
      throw bad(
        `--where: ${dir} is not told ${quote(name)}, but ${names.join(', ')}; did you mean '${nearest(name, names)}'?`,
      );
    }
    const { place, category } = column;
    if (where.has(place)) throw bad(`--where: ${name} is said twice`);
    if (category) {
      const level = category.levels.indexOf(said);
      if (level < 0)
        throw bad(
          `--where: ${name} is ${quote(said)}; it may be ${listed(category.levels)}; did you mean ${quote(nearest(said, category.levels))}?`,
        );
      for (const [k, at] of placesOf(category).entries()) where.set(at, Number(k === level));
      continue;
    }
    const value = Number(said);
    if (said === '' || !Number.isFinite(value)) {
      throw bad(`--where: ${name} is ${quote(said)}; it must be a number`);
    }
    const [mean, std] = standardization
      ? [standardization.mean[place] as number, standardization.std[place] as number]
      : [0, 1];
    where.set(place, (value - mean) / std);
  }
  const missing = told.filter(({ place }) => !where.has(place)).map(({ name }) => name);
  if (needsAll && missing.length > 0) {
    const all = names.map((name) => `${name}=…`).join(',');
    throw bad(`${dir} holds a model that is told ${names.join(', ')}; say --where ${all}`);
  }
  return where.size > 0 ? { where } : {};
}

/** @throws LatentGpuError `bad-data` for rows that lack what a model is told of them */
export function checkGiven(
  { can }: Model,
  { mask, columns, categories, shape, name }: ImageDataset,
): void {
  if (!can.given || !mask) return;
  const [width = 1] = shape;
  for (const column of can.given.columns) {
    for (let row = 0; row * width < mask.length; row++) {
      if (mask[row * width + column]) continue;
      const category = categories?.find(({ at }) => at === column);
      const what = category?.column ?? columns?.[column] ?? `column ${column + 1}`;
      throw new LatentGpuError(
        'bad-data',
        `${name}: row ${row} lacks ${quote(what)}, which the model is told; fill it in, or leave such rows out`,
      );
    }
  }
}
