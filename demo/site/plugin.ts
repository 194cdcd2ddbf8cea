// What pages have in common, put into each when the site is built: head, bar, settings, messages.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { type Bar, PAGES, type SitePage } from './pages.ts';
import { controlsOf, SETTINGS } from './settings.ts';

const part = (name: string) =>
  readFileSync(fileURLToPath(new URL(`${name}.html`, import.meta.url)), 'utf8').trim();

function navigation(here: SitePage): string {
  const links = PAGES.map(({ file, name }) => {
    const current = file === here.file ? ' aria-current="page"' : '';
    return `<a href="./${file}"${current}>${name}</a>`;
  });
  return `<nav class="site" aria-label="Pages">${links.join('')}</nav>`;
}

function barOf({ heading, motto, figures = [], buttons }: Bar): string {
  const numbers = figures.map(
    ([id, name, first]) => `<div><dt>${name}</dt><dd id="${id}">${first}</dd></div>`,
  );
  const controls = buttons.map(({ id, text, title, isStep }, i) => {
    const how = [
      i === 0 ? ' class="primary"' : '',
      isStep ? ' data-step' : '',
      title ? ` title="${title}"` : '',
      id === 'reset' ? '' : ' disabled',
    ];
    return `<button id="${id}" type="button"${how.join('')}>${text}</button>`;
  });
  return `<header class="bar">
      <div class="brand">
        <h1>${heading}</h1>
        <span id="activity" role="status">Preparing…</span>
        <p>${motto}</p>
      </div>
      ${numbers.length > 0 ? `<dl class="figures">${numbers.join('')}</dl>` : ''}
      <div class="transport">${controls.join('')}</div>
    </header>`;
}

const SHARE =
  '<button id="share-link" type="button">Copy link</button><button id="share-image" type="button">Save image</button>';

/** A comment that names one of them becomes it: `<!-- head -->`, `<!-- settings flows -->`. */
function partsOf(here: SitePage): Readonly<Record<string, () => string>> {
  return {
    head: () => part('head').replace('TITLE', here.title).replace('ABOUT', here.about),
    bar: () => `${navigation(here)}${here.bar ? barOf(here.bar) : ''}`,
    notes: () => part('notes'),
    share: () => SHARE,
    ...Object.fromEntries(
      Object.entries(SETTINGS).map(([name, settings]) => [
        `settings ${name}`,
        () => controlsOf(settings),
      ]),
    ),
  };
}

export function sitePlugin(): Plugin {
  return {
    name: 'latentgpu-site',
    transformIndexHtml: {
      order: 'pre',
      handler(html, { filename }) {
        const here = PAGES.find(({ file }) => file === basename(filename));
        if (!here) throw new Error(`${filename} is not in the table of pages`);
        const parts = partsOf(here);
        return html.replace(/<!-- ([a-z ]+) -->/g, (comment, name) => {
          const make = parts[name];
          if (!make) throw new Error(`${filename}: nothing is called ${comment}`);
          return make();
        });
      },
    },
  };
}
