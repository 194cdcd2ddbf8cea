// What all pages have in common, put into each when the site is built: head, navigation, messages.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { PAGES, type SitePage } from './pages.ts';

const part = (name: string) =>
  readFileSync(fileURLToPath(new URL(`${name}.html`, import.meta.url)), 'utf8').trim();

function navigation(here: SitePage): string {
  const links = PAGES.map(({ file, name }) => {
    const current = file === here.file ? ' aria-current="page"' : '';
    return `<a href="./${file}"${current}>${name}</a>`;
  });
  return `<nav class="site" aria-label="Pages">${links.join('')}</nav>`;
}

/** `<!-- head -->`, `<!-- nav -->` and `<!-- notes -->` become what they name. */
export function sitePlugin(): Plugin {
  return {
    name: 'latentgpu-site',
    transformIndexHtml: {
      order: 'pre',
      handler(html, { filename }) {
        const here = PAGES.find(({ file }) => file === basename(filename));
        if (!here) throw new Error(`${filename} is not in the table of pages`);
        const head = part('head').replace('TITLE', here.title).replace('ABOUT', here.about);
        return html
          .replace('<!-- head -->', head)
          .replace('<!-- nav -->', navigation(here))
          .replace('<!-- notes -->', part('notes'));
      },
    },
  };
}
