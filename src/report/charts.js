// Draws every chart of the page from the table below it: its first column to the right, those that follow
// up.
(() => {
  const root = document.documentElement;
  const figures = [...document.querySelectorAll('figure.chart')];
  const drawn = new Map();

  const color = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  const number = (cell) => (cell.textContent === '' ? null : Number(cell.textContent));
  const text = (value) => (value == null ? '–' : String(Number(value.toPrecision(6))));
  const labels = (_, values) => values.map((value) => (value == null ? '' : text(value)));
  // As wide as the longest label.
  const widthOf = (_, values) =>
    14 + 7 * Math.max(3, ...(values ?? []).map((value) => String(value).length));

  function columnsOf(figure) {
    const rows = [...figure.querySelectorAll('tbody tr')].map((row) => [...row.cells].map(number));
    const count = Number(figure.dataset.drawn);
    return Array.from({ length: count }, (_, j) => rows.map((row) => row[j]));
  }

  function draw(figure, width) {
    drawn.get(figure)?.destroy();
    const isBars = figure.dataset.kind === 'bars';
    const names = [...figure.querySelectorAll('thead th')].map((cell) => cell.textContent);
    const data = columnsOf(figure);
    const axis = {
      stroke: color('muted'),
      grid: { stroke: color('line'), width: 1 },
      ticks: { stroke: color('line'), width: 1 },
      font: '12px system-ui, sans-serif',
      values: labels,
    };
    const series = data.map((_, j) => {
      if (j === 0) return { label: names[0], value: (_, value) => text(value) };
      const stroke = color(`series-${j}`);
      return {
        label: names[j],
        value: (_, value) => text(value),
        stroke,
        width: 2,
        spanGaps: true,
        ...(isBars
          ? {
              fill: stroke,
              width: 0,
              points: { show: false },
              paths: uPlot.paths.bars({ size: [0.8, 40] }),
            }
          : { points: { fill: color('paper'), size: 6 } }),
      };
    });
    const last = data[0].length;
    const options = {
      width,
      height: Math.round(Math.min(280, 120 + 0.3 * width)),
      scales: {
        x: { time: false, ...(isBars && { range: [0.4, last + 0.6] }) },
        ...(isBars && { y: { range: (_, __, high) => [0, 1.08 * (high || 1)] } }),
      },
      axes: [
        isBars ? { ...axis, grid: { show: false }, incrs: [1, 2, 5, 10, 20, 50] } : axis,
        { ...axis, size: widthOf },
      ],
      series,
      cursor: { y: false },
    };
    const plot = figure.querySelector('.plot');
    drawn.set(figure, new uPlot(options, data, plot));
  }

  const drawAll = (width) => {
    for (const figure of figures) {
      const room = width ?? figure.querySelector('.plot').clientWidth;
      if (room > 0) draw(figure, room);
    }
  };

  let before = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth !== before && !root.classList.contains('paper')) drawAll();
    before = innerWidth;
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawAll());
  // On paper: dark ink on white, in columns that fit.
  addEventListener('beforeprint', () => {
    root.classList.add('paper');
    drawAll(310);
  });
  addEventListener('afterprint', () => {
    root.classList.remove('paper');
    drawAll();
  });
  drawAll();
})();
