// A page that is one file and needs nothing else: no network, no other file, and by its own policy it could
// not even ask for any.
import { Html, html } from './html.ts';

export interface LonePage {
  readonly title: string;
  readonly css: string;
  readonly body: Html;
  /** Runs once the body is there. */
  readonly script?: string;
}

async function sourceOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
}

/** The whole file. */
export async function lonePage({ title, css, body, script }: LonePage): Promise<string> {
  const policy = [
    "default-src 'none'",
    'img-src data:',
    `style-src ${await sourceOf(css)}`,
    ...(script === undefined ? [] : [`script-src ${await sourceOf(script)}`]),
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy.join('; ')}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Html(css)}</style>
</head>
<body>
${body}${script !== undefined && html`<script>${new Html(script)}</script>\n`}</body>
</html>
`.text;
}
