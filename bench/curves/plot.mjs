/** Draws two learning curves: ours as a broad light line, PyTorch's as a thin dark line on top. */
const WIDTH = 760;
const HEIGHT = 360;
const MARGIN = { left: 52, right: 16, top: 36, bottom: 40 };

/** The distance of grid lines: 1, 2 or 5 times a power of ten, so that there are about `count` lines. */
function gridStep(range, count) {
  const rough = range / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
}

/** Multiples of the grid's step from `low` to `high`. */
function gridLines(low, high, count) {
  const step = gridStep(high - low, count);
  const lines = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step / 1e6; value += step) lines.push(value);
  return lines;
}

/** @param losses `{ ours, torch }`, each with one number per step */
export function plot(title, { ours, torch }) {
  const steps = ours.length;
  const top = Math.max(...ours, ...torch);
  const x = (step) => MARGIN.left + ((WIDTH - MARGIN.left - MARGIN.right) * step) / steps;
  const y = (loss) => HEIGHT - MARGIN.bottom - ((HEIGHT - MARGIN.top - MARGIN.bottom) * loss) / top;
  const path = (losses) =>
    losses.map((loss, i) => `${i === 0 ? 'M' : 'L'}${x(i + 1).toFixed(1)} ${y(loss).toFixed(1)}`).join('');
  const horizontal = gridLines(0, top, 5).map(
    (loss) =>
      `<path d="M${MARGIN.left} ${y(loss).toFixed(1)}H${WIDTH - MARGIN.right}"/><text x="${MARGIN.left - 8}" y="${(y(loss) + 4).toFixed(1)}" text-anchor="end">${Number(loss.toPrecision(3))}</text>`,
  );
  const vertical = gridLines(0, steps, 6).map(
    (step) =>
      `<text x="${x(step).toFixed(1)}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${step}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${MARGIN.left}" y="22" font-size="14" font-weight="600" fill="#222">${title}</text>
<g stroke="#e4e4e4" fill="none">${horizontal.join('').replaceAll('<text', '<text stroke="none" fill="#666"')}</g>
<g fill="#666">${vertical.join('')}<text x="${WIDTH / 2}" y="${HEIGHT - 6}" text-anchor="middle">step</text></g>
<path d="${path(ours)}" fill="none" stroke="#f2a541" stroke-width="5" stroke-linejoin="round" opacity="0.75"/>
<path d="${path(torch)}" fill="none" stroke="#1b3a5b" stroke-width="1.2" stroke-linejoin="round"/>
<g transform="translate(${WIDTH - 190} 48)" fill="#222"><path d="M0 -4h24" stroke="#f2a541" stroke-width="5"/><text x="32">Lockstep</text><path d="M0 16h24" stroke="#1b3a5b" stroke-width="1.2"/><text x="32" y="20">PyTorch</text></g>
</svg>
`;
}
