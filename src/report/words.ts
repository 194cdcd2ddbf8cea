// What quantities are called where there is room for more words than in a line of a terminal.

/** By the words of the line. */
const LONG: Readonly<Record<string, string>> = {
  kl: 'KL divergence',
  reconstruction: 'reconstruction error, −log p(x | code)',
  'bits/dim': 'bits per dimension, at most',
};

/** The same beside `test` in the legend of a chart. */
const SHORT: Readonly<Record<string, string>> = {
  'negative ELBO': '−ELBO',
  reconstruction: 'reconstruction error',
};

const own = (table: Readonly<Record<string, string>>, label: string) =>
  Object.hasOwn(table, label) ? table[label] : undefined;

/** A minus sign is longer than a hyphen. */
const signed = (label: string) => label.replace(/^-/, '−');

export const longLabel = (label: string): string => own(LONG, label) ?? signed(label);
export const shortLabel = (label: string): string => own(SHORT, label) ?? signed(label);

/** `temperatureOfGumbel` as `Temperature of gumbel`. */
export function spacedName(name: string): string {
  const words = name.replace(
    /([a-z\d])([A-Z])/g,
    (_, a: string, b: string) => `${a} ${b.toLowerCase()}`,
  );
  return words.charAt(0).toUpperCase() + words.slice(1);
}
