// What the page says in words: notices, and what to do where it cannot work.

const INFO_MS = 6000;

export class Notice {
  private readonly box: HTMLElement;
  private readonly line: HTMLElement;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** @param box holds a paragraph and a button that hides it */
  constructor(box: HTMLElement) {
    this.box = box;
    this.line = box.querySelector('p') as HTMLElement;
    box.querySelector('button')?.addEventListener('click', () => this.hide());
    document.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') this.hide();
    });
  }

  show(tone: 'info' | 'error', message: string): void {
    this.box.hidden = false;
    this.box.classList.toggle('error', tone === 'error');
    this.line.textContent = sentence(message);
    clearTimeout(this.timer);
    // An error stays until it has been read.
    if (tone === 'info') this.timer = setTimeout(() => this.hide(), INFO_MS);
  }

  hide(): void {
    this.box.hidden = true;
  }
}

/** With a capital at the beginning, unless that is a file's name, and a full stop at the end. */
export function sentence(message: string): string {
  const isWord = /^[a-z]+ /.test(message);
  const begun = isWord ? message.charAt(0).toUpperCase() + message.slice(1) : message;
  return begun === '' || /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
