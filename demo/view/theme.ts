// The colours of the stylesheet, for what is drawn on canvases.

export interface Theme {
  readonly ink: string;
  readonly muted: string;
  readonly line: string;
  readonly accent: string;
  readonly warm: string;
  readonly cool: string;
  readonly card: string;
  readonly tile: string;
  /** Red, green and blue of the ink that images are drawn with. */
  readonly inkRgb: readonly [number, number, number];
  /** One for each class. */
  readonly classes: readonly string[];
}

const CLASSES = 10;
/** What the colours depend on. */
const SCHEMES = ['(prefers-color-scheme: dark)', '(forced-colors: active)'].map((query) =>
  matchMedia(query),
);
let current: Theme | undefined;

function read(): Theme {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const [r = 0, g = 0, b = 0] = value('ink-rgb').split(' ').map(Number);
  return {
    ink: value('ink'),
    muted: value('muted'),
    line: value('line'),
    accent: value('accent'),
    warm: value('warm'),
    cool: value('cool'),
    card: value('card'),
    tile: value('tile'),
    inkRgb: [r, g, b],
    classes: Array.from({ length: CLASSES }, (_, i) => value(`class-${i}`)),
  };
}

export function theme(): Theme {
  current ??= read();
  return current;
}

/** Calls back after the system has changed between light, dark and colours of the visitor's own. */
export function onThemeChange(changed: () => void): void {
  for (const scheme of SCHEMES) {
    scheme.addEventListener('change', () => {
      current = undefined;
      changed();
    });
  }
}
