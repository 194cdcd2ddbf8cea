// What pages have in common is said once, and put round and into each when the site is built: a file holds
// what is the page's own, and comments for the rest.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { PAGES, type SitePage } from './pages.ts';
import { segmentsOf } from './segments.ts';
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

function barOf({ bar, activity }: SitePage): string {
  const { heading, motto, figures = [], segments, progress, buttons } = bar;
  const numbers = figures.map(
    ([id, name, first]) => `<div><dt>${name}</dt><dd id="${id}">${first}</dd></div>`,
  );
  const controls = buttons.map(({ id, text, title, isStep, isReady }, i) => {
    const how = [
      i === 0 ? ' class="primary"' : '',
      isStep ? ' data-step' : '',
      title ? ` title="${title}"` : '',
      isReady ? '' : ' disabled',
    ];
    return `<button id="${id}" type="button"${how.join('')}>${text}</button>`;
  });
  return `<header class="bar">
      <div class="brand">
        <h1>${heading}</h1>
        <span id="activity" role="status">${activity === 'ready' ? 'Ready' : 'Preparing…'}</span>
        <p>${motto}</p>
      </div>
      ${numbers.length > 0 ? `<dl class="figures">${numbers.join('')}</dl>` : ''}
      <div class="transport">${segments ? segmentsOf(segments) : ''}${controls.join('')}</div>
    </header>${progress ? `<progress id="${progress.id}" max="1" value="0" aria-label="${progress.label}" hidden></progress>` : ''}`;
}

const SHARE =
  '<button id="share-link" type="button">Copy link</button><button id="share-image" type="button">Save image</button>';
const ADAPTER = '<p class="hint">Runs on <span id="adapter">…</span></p>';

const fieldsOf = (name: keyof typeof SETTINGS) =>
  `<div class="fields">${controlsOf(SETTINGS[name])}</div>`;

/** What comments become: `<!-- share -->`. */
const PARTS: Readonly<Record<string, string>> = { share: SHARE, adapter: ADAPTER };

/** What comments with a name become: `<!-- fields flows -->`. */
const NAMED: Readonly<Record<string, (name: never) => string>> = {
  settings: (name: keyof typeof SETTINGS) => controlsOf(SETTINGS[name]),
  fields: fieldsOf,
  segments: segmentsOf,
  /** The card of a page whose settings are all in one. */
  controls: (name: keyof typeof SETTINGS) => `<section class="card controls">
          <h2>Settings</h2>
          ${fieldsOf(name)}
          <div class="buttons">${SHARE}</div>
          ${ADAPTER}
        </section>`,
};

/** The parts of the frame, which {@link PARTS} may be in. */
function frameOf(here: SitePage, main: string): Readonly<Record<string, string>> {
  const { title, about, style, script, className, activity, drop } = here;
  return {
    ...{ title, about, script, main },
    styles: ['./style.css', './lab/lab.css', ...(style ? [style] : [])]
      .map((href) => `<link rel="stylesheet" href="${href}" />`)
      .join(''),
    body: `${className ? ` class="${className}"` : ''} data-activity="${activity}"`,
    navigation: navigation(here),
    bar: barOf(here),
    notes: part('notes'),
    drop: drop ? `<div id="drop" aria-hidden="true"><p>${drop}</p></div>` : '',
  };
}

/** A text with its comments replaced. @throws Error for one that is nothing's name */
function filled(text: string, parts: Readonly<Record<string, string>>, where: string): string {
  return text.replace(/<!-- ([a-z]+)(?: ([a-z]+))? -->/g, (comment, kind, name) => {
    const found = name ? NAMED[kind]?.(name as never) : parts[kind];
    if (found === undefined) throw new Error(`${where}: nothing is called ${comment}`);
    return found;
  });
}

export function sitePlugin(): Plugin {
  return {
    name: 'latentgpu-site',
    transformIndexHtml: {
      order: 'pre',
      handler(main, { filename }) {
        const here = PAGES.find(({ file }) => file === basename(filename));
        if (!here) throw new Error(`${filename} is not in the table of pages`);
        return filled(part('page'), frameOf(here, filled(main, PARTS, filename)), 'page.html');
      },
    },
  };
}
