/** For error messages of one line: a shape read from a file may have any number of dimensions. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.length > 8 ? `${shape.slice(0, 8)},…` : shape}]`;
}

/** Names for a message: the first of them where there are many. */
export const listed = (names: readonly string[]): string =>
  `${names.slice(0, 8).map(quote).join(', ')}${names.length > 8 ? ', …' : ''}`;

/** For error messages of one line: text read from a file may be long or hold anything. */
export function quote(text: string): string {
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  // What nobody sees, and a blank that is another, would look right.
  return shown.replace(/[\p{Cf}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, (c) =>
    [...Array(c.length).keys()]
      .map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
