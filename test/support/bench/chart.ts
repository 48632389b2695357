const [WIDTH, HEIGHT] = [720, 400];
const MARGIN = { left: 60, right: 170, top: 20, bottom: 46 };
const COLORS = ["#1b6ca8", "#c8553d", "#2e8b57", "#7a4fa3", "#b8860b", "#444444"];

type Lines = Readonly<Record<string, readonly (readonly [x: number, y: number])[]>>;

/** An SVG of lines over linear axes that begin at zero: what grows with the count is straight. */
export function chart(lines: Lines, axes: { x: string; y: string }): string {
  const points = Object.values(lines).flat();
  const [xs, ys] = [scale(points.map(([x]) => x)), scale(points.map(([, y]) => y))];
  const width = WIDTH - MARGIN.left - MARGIN.right;
  const height = HEIGHT - MARGIN.top - MARGIN.bottom;
  const px = (x: number) => (MARGIN.left + (x / xs.end) * width).toFixed(1);
  const py = (y: number) => (MARGIN.top + height - (y / ys.end) * height).toFixed(1);
  const [left, right, bottom] = [MARGIN.left, MARGIN.left + width, MARGIN.top + height];
  const grid = [
    ...ys.ticks.flatMap((y) => [
      `<path d="M${left} ${py(y)}H${right}" stroke="#ddd"/>`,
      `<text x="${left - 8}" y="${py(y)}" text-anchor="end" dy="4">${y}</text>`,
    ]),
    ...xs.ticks.map((x) => `<text x="${px(x)}" y="${bottom + 18}" text-anchor="middle">${x}</text>`),
  ];
  const labels = spreadOut(
    Object.values(lines).map((line) => Number(py(line.at(-1)![1]))),
    16,
  );
  const curves = Object.entries(lines).flatMap(([name, line], i) => {
    const color = COLORS[i % COLORS.length];
    return [
      `<polyline points="${line.map(([x, y]) => `${px(x)},${py(y)}`).join(" ")}" fill="none" stroke="${color}" stroke-width="2"/>`,
      ...line.map(([x, y]) => `<circle cx="${px(x)}" cy="${py(y)}" r="3" fill="${color}"/>`),
      `<text x="${right + 10}" y="${labels[i]!.toFixed(1)}" dy="4" fill="${color}">${escaped(name)}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(axes.y)} by ${escaped(axes.x)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    ...grid,
    `<path d="M${left} ${MARGIN.top}V${bottom}H${right}" fill="none" stroke="#444"/>`,
    `<text x="${left + width / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escaped(axes.x)}</text>`,
    `<text x="14" y="${MARGIN.top + height / 2}" text-anchor="middle" transform="rotate(-90 14 ${MARGIN.top + height / 2})">${escaped(axes.y)}</text>`,
    ...curves,
    "</svg>",
    "",
  ].join("\n");
}

/** From zero to a round number that has all of them, in at most six steps. */
function scale(numbers: readonly number[]): { end: number; ticks: number[] } {
  const most = Math.max(...numbers, 1e-9);
  const power = 10 ** Math.floor(Math.log10(most / 6));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => most / n <= 6)!;
  const count = Math.ceil(most / step);
  const ticks = Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
  return { end: ticks.at(-1)!, ticks };
}

/** Moves positions apart that are nearer to each other than may be. */
function spreadOut(positions: readonly number[], least: number): number[] {
  const order = positions.map((_, i) => i).sort((a, b) => positions[b]! - positions[a]!);
  const moved = [...positions];
  for (const [rank, i] of order.entries())
    if (rank > 0) moved[i] = Math.min(moved[i]!, moved[order[rank - 1]!]! - least);
  return moved;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
