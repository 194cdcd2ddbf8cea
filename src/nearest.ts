// What somebody may have meant: for messages about unknown words.

/** Levenshtein's distance: insertions, deletions and substitutions of one letter. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/**
 * The known word nearest to `word`. Words with dots are also compared by their last part, so that
 * `lr` finds `optimizer.lr`; case does not count.
 */
export function nearest(word: string, known: Iterable<string>): string {
  const asked = word.toLowerCase();
  const last = (name: string) => name.slice(name.lastIndexOf('.') + 1);
  const group = (name: string) => name.slice(0, name.lastIndexOf('.') + 1);
  let best = '';
  let least = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const candidate = name.toLowerCase();
    const whole = editDistance(asked, candidate);
    // A wrong group weighs less than a wrong name, and none at all hardly anything.
    const away = group(asked) === '' ? 0 : editDistance(group(asked), group(candidate)) / 4;
    const part = editDistance(last(asked), last(candidate)) + 0.5 + away;
    const distance = Math.min(whole, part);
    if (distance < least) [best, least] = [name, distance];
  }
  return best;
}
