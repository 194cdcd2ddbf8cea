// Choices of two, side by side, from which their controls are written.

interface Segments {
  readonly legend: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  /** The first is chosen, where no settings say which. */
  readonly isFirst?: boolean;
  readonly className?: string;
}

/** By the names of their controls. */
export const SEGMENTS = {
  part: {
    legend: 'Whose gradient',
    options: [
      ['encoder', 'Encoder φ'],
      ['decoder', 'Decoder θ'],
    ],
  },
  map: {
    legend: 'What the map shows',
    options: [
      ['codes', 'Codes'],
      ['manifold', 'Images'],
    ],
    isFirst: true,
    className: 'of-images',
  },
  length: {
    legend: 'How much is measured',
    options: [
      ['short', 'Short'],
      ['long', 'Long'],
    ],
    isFirst: true,
  },
} as const satisfies Readonly<Record<string, Segments>>;

export function segmentsOf(name: keyof typeof SEGMENTS): string {
  const { legend, options, isFirst, className }: Segments = SEGMENTS[name];
  const labels = options.map(([value, text], i) => {
    const checked = isFirst && i === 0 ? ' checked' : '';
    return `<label><input type="radio" name="${name}" value="${value}"${checked} /><span>${text}</span></label>`;
  });
  return `<fieldset class="${className ? `segments ${className}` : 'segments'}">
        <legend class="unseen">${legend}</legend>
        ${labels.join('')}
      </fieldset>`;
}
