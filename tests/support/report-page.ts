/** What a report says, read from its page. */

/** The number that a tile of the card has in full. */
export function tile(text: string, id: string): number | undefined {
  const found = new RegExp(`<data id="${id}" value="([^"]*)">`).exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

const plain = (text: string) =>
  text
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&');

export function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => plain(match[1] as string));
}

export const headings = (text: string) => matches(text, /<h[123][^>]*>(.*?)<\/h[123]>/g);
export const notes = (text: string) =>
  matches(text, /<p class="note">(?!The charts need)(.*?)<\/p>/g);
export const commands = (text: string) => matches(text, /<code>(.*?)<\/code>/g);

/** The rows of the table below a chart. */
export function tableOf(text: string, title: string): string[][] {
  const figure = text.split('<figure').find((part) => part.includes(`<h3>${title}</h3>`)) as string;
  return matches(figure, /<tr>(<td>.*?)<\/tr>/g).map((row) => matches(row, /<td>(.*?)<\/td>/g));
}
