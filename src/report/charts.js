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
    22 + 7 * Math.max(3, ...(values ?? []).map((value) => String(value).length));

  // Steps and ranks are whole numbers.
  const whole = Array.from({ length: 30 }, (_, i) => [1, 2, 5][i % 3] * 10 ** Math.floor(i / 3));

  function columnsOf(figure) {
    const rows = [...figure.querySelectorAll('tbody tr')].map((row) => [...row.cells].map(number));
    const count = Number(figure.dataset.drawn) + (figure.dataset.kind === 'errors' ? 1 : 0);
    return Array.from({ length: count }, (_, j) => rows.map((row) => row[j]));
  }

  // A stroke from error to error through every point.
  function drawErrors(plot, errors) {
    const { ctx } = plot;
    const [at, values] = plot.data;
    ctx.save();
    ctx.strokeStyle = color('series-1');
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.beginPath();
    for (const [i, error] of errors.entries()) {
      const x = plot.valToPos(at[i], 'x', true);
      ctx.moveTo(x, plot.valToPos(values[i] - error, 'y', true));
      ctx.lineTo(x, plot.valToPos(values[i] + error, 'y', true));
    }
    ctx.stroke();
    ctx.restore();
  }

  // Room for all of it, and a little air.
  function rangeOf(values, errors) {
    const low = Math.min(...values.map((value, i) => value - errors[i]));
    const high = Math.max(...values.map((value, i) => value + errors[i]));
    const air = 0.06 * (high - low || 1);
    return [low - air, high + air];
  }

  function draw(figure, width) {
    drawn.get(figure)?.destroy();
    const isBars = figure.dataset.kind === 'bars';
    const hasErrors = figure.dataset.kind === 'errors';
    const names = [...figure.querySelectorAll('thead th')].map((cell) => cell.textContent);
    const columns = columnsOf(figure);
    const data = hasErrors ? columns.slice(0, -1) : columns;
    const errors = columns.at(-1);
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
        x: {
          time: false,
          ...(isBars && { range: [0.4, last + 0.6] }),
          ...(hasErrors && { distr: 3, range: [data[0][0] / 1.5, 1.5 * data[0].at(-1)] }),
        },
        ...(hasErrors && { y: { range: rangeOf(data[1], errors) } }),
        ...(isBars && { y: { range: (_, __, high) => [0, 1.08 * (high || 1)] } }),
      },
      axes: [
        {
          ...axis,
          incrs: whole,
          ...(isBars && { grid: { show: false } }),
          ...(hasErrors && { splits: data[0], filter: (_, splits) => splits }),
        },
        { ...axis, size: widthOf },
      ],
      series,
      cursor: { y: false },
      ...(hasErrors && { hooks: { draw: [(plot) => drawErrors(plot, errors)] } }),
    };
    const plot = figure.querySelector('.plot');
    drawn.set(figure, new uPlot(options, data, plot));
  }

  const isPaper = () => root.classList.contains('paper');

  // On paper, columns are as wide as A4 lets them be: there is no telling before it is laid out.
  function widthFor(figure) {
    if (isPaper()) return figure.closest('.grid') ? 330 : 680;
    return figure.querySelector('.plot').clientWidth;
  }

  const drawAll = () => {
    for (const figure of figures) draw(figure, widthFor(figure));
  };

  let before = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth !== before && !isPaper()) drawAll();
    before = innerWidth;
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  // Dark ink on white.
  addEventListener('beforeprint', () => {
    root.classList.add('paper');
    drawAll();
  });
  addEventListener('afterprint', () => {
    root.classList.remove('paper');
    drawAll();
  });
  drawAll();
})();
