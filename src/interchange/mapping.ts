// Which tensor of a foreign state_dict becomes which part of a model: what rules assign.
import { LatentGpuError } from '../errors.ts';
import { quote } from '../formats/message.ts';
import type { SafetensorsFile } from '../formats/safetensors.ts';
import { nearest } from '../nearest.ts';
import { foldBatchNorm } from './batch-norm.ts';
import { joinParts } from './reparametrised.ts';
import type { Rule } from './rules.ts';
import { type ForeignTensor, plainName, unwrap } from './wrappers.ts';

/** Part of a layer that gives the code's distribution. */
export type Half = 'mean' | 'logStd' | 'logVar';

/** Where a tensor goes. */
export type Place =
  | { readonly kind: 'layer'; readonly net: Net; readonly index: number; readonly leaf: Leaf }
  | { readonly kind: 'head'; readonly halves: readonly Half[]; readonly leaf: Leaf }
  | { readonly kind: 'norm'; readonly target: string }
  | { readonly kind: 'whole'; readonly target: Whole };

export type Net = 'encoder' | 'decoder';
export type Leaf = 'weight' | 'bias';

const WHOLE = [
  'likelihood.logStd',
  'likelihood.logVar',
  'standardize.mean',
  'standardize.std',
] as const;
export type Whole = (typeof WHOLE)[number];

export interface Assigned {
  readonly from: string;
  readonly tensor: ForeignTensor;
  readonly place: Place;
  readonly transpose: boolean;
}

/** A normalisation that is to stay a layer of its own: of hidden layer N. */
export const NORM = /^(encoder|decoder)\.norms\.\d{1,9}\.(weight|bias|running_mean|running_var)$/;

const TARGETS =
  'encoder.N, encoder.norms.N, encoder.mean, encoder.logStd, encoder.logVar, encoder.mean+logVar, decoder.N, decoder.norms.N, ' +
  'likelihood.logStd or likelihood.logVar';

const bad = (why: string) => new LatentGpuError('bad-config', why);

/** What is left of `name` below `prefix`: '' if it is the same, undefined if it is not below. */
function below(name: string, prefix: string): string | undefined {
  if (name === prefix) return '';
  return name.startsWith(`${prefix}.`) ? name.slice(prefix.length) : undefined;
}

/**
 * Gives every tensor its place, after wrappers are taken off names, and parts and normalisations folded
 * into weights. The longest rule that fits a name decides; names that already begin with `encoder.` or
 * `decoder.` need none.
 *
 * @throws LatentGpuError `bad-config` for a rule that fits nothing, or a tensor without a place
 */
export function assign(
  stored: SafetensorsFile,
  rules: readonly Rule[],
  file: string,
): { assigned: Assigned[]; dropped: string[]; assumed: string[] } {
  const { tensors, counters } = unwrap(stored, file);
  joinParts(tensors, file);
  const known = rules.map((rule) => ({ ...rule, from: plainName(rule.from) }));
  // A rule may leave out what is left out anyway.
  const names = [...tensors.keys(), ...counters.map(plainName)];
  for (const { from, source } of known) {
    if (names.some((name) => below(name, from) !== undefined)) continue;
    const layers = names.map((name) => name.replace(/\.[^.]*$/, ''));
    const guess = nearest(from, [...names, ...layers]);
    throw bad(`${source}: ${file} has no tensor ${quote(from)}; did you mean ${quote(guess)}?`);
  }
  const assumed = foldBatchNorm(tensors, known, file);
  const assigned: Assigned[] = [];
  const dropped = [...counters];
  const homeless: string[] = [];
  for (const [own, tensor] of tensors) {
    const { from } = tensor;
    const rule = known
      .filter((one) => below(own, one.from) !== undefined)
      .sort((a, b) => b.from.length - a.from.length)[0];
    if (rule && rule.to === undefined) {
      dropped.push(from);
      continue;
    }
    const place = placeOf(rule ? targetOf(own, rule) : own);
    if (place) assigned.push({ from, tensor, place, transpose: rule?.transpose ?? false });
    else if (!rule) homeless.push(own);
    else
      throw bad(
        `${rule.source}: ${quote(own)} cannot become ${quote(targetOf(own, rule))}; a target is ${TARGETS}`,
      );
  }
  if (homeless.length > 0) {
    const [first, ...others] = homeless as [string, ...string[]];
    const shown = [first, ...others.slice(0, 3)].map((name) => `${quote(name)}`).join(', ');
    const more = others.length > 3 ? ` and ${others.length - 3} more` : '';
    const has = others.length > 0 ? 'have' : 'has';
    const inner = /^(.+)\.(encoder|decoder)\.\d+\.(weight|bias)$/.exec(first)?.[1];
    if (inner !== undefined) {
      throw bad(
        `${file}: ${shown}${more} ${has} no place in a model yet; say which with --rename ${inner}.encoder=encoder ${inner}.decoder=decoder`,
      );
    }
    const { from, to } = suggestion(first, assigned);
    throw bad(
      `${file}: ${shown}${more} ${has} no place in a model yet; say which with --rename ${from}=${to} or --map, or leave them out with --rename ${from}=`,
    );
  }
  return { assigned, dropped, assumed };
}

/** A rule for a name: for all of its layer, unless others of this have their place already. */
function suggestion(name: string, assigned: readonly Assigned[]): { from: string; to: string } {
  const layer = name.replace(/\.[^.]*$/, '');
  const isTaken = assigned.some(({ from }) => below(plainName(from), layer) !== undefined);
  const net = /(^|\.)decoder\b/.test(name) ? 'decoder' : 'encoder';
  const next = assigned.reduce(
    (most, { place }) =>
      place.kind === 'layer' && place.net === net ? Math.max(most, place.index + 1) : most,
    0,
  );
  if (!isTaken && /\.(weight|bias)$/.test(name)) return { from: layer, to: `${net}.${next}` };
  const own = isTaken ? /\.(\d{1,9})\.[^.]*$/.exec(name)?.[1] : undefined;
  return { from: name, to: `${net}.${own ?? next}.weight` };
}

function targetOf(name: string, rule: Rule): string {
  const target = rule.to + (below(name, rule.from) as string);
  // A whole name may leave out the last word: `fc1.weight=encoder.0`.
  const leaf = /\.(weight|bias|running_mean|running_var)$/;
  const own = leaf.exec(name);
  return name === rule.from && own && !leaf.test(target) ? target + own[0] : target;
}

function placeOf(target: string): Place | undefined {
  if (WHOLE.includes(target as Whole)) return { kind: 'whole', target: target as Whole };
  if (NORM.test(target)) return { kind: 'norm', target };
  const match = /^(encoder|decoder)\.(.+)\.(weight|bias)$/.exec(target);
  if (!match) return undefined;
  const [, net, middle, leaf] = match as unknown as [string, Net, string, Leaf];
  if (/^\d{1,9}$/.test(middle)) return { kind: 'layer', net, index: Number(middle), leaf };
  const isHead = /^(mean|logStd|logVar|mean\+log(Std|Var)|log(Std|Var)\+mean)$/.test(middle);
  if (net === 'decoder' || !isHead) return undefined;
  return { kind: 'head', halves: middle.split('+') as Half[], leaf };
}
