// Draws what a terminal shows as an SVG: text that can be selected, each run at its own columns.
import { displayWidth } from '#apps/cli/terminal/display-width.js';

const FONT_SIZE = 14;
const CELL = 8.43;
const ROW = 20;
const MARGIN = 18;
const BACKGROUND = '#0d1117';
const INK = '#d5dbe3';
const DIM = '#8b949e';
const COLOURS = {
  31: '#ff7b72',
  32: '#56d364',
  33: '#e3b341',
  34: '#79c0ff',
  35: '#d2a8ff',
  36: '#56d4dd',
};
const FONTS = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace";

// The sign before a tool call is in few fonts; this one is in all.
const drawable = (text) => text.replaceAll('⏺', '●');
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const rounded = (number) => Number(number.toFixed(2));

/** What stands on a line in the end: progress is drawn over by what comes after it. */
const settled = (line) => line.split('\x1b[K').at(-1).split('\r').at(-1);

/** The looks after a control sequence; those that only the CLI's own styles use. */
function styled(style, code) {
  if (code === 0) return {};
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 3) return { ...style, italic: true };
  if (code === 4) return { ...style, underline: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 23) return { ...style, italic: false };
  if (code === 24) return { ...style, underline: false };
  if (code === 39) return { ...style, colour: undefined };
  if (code in COLOURS) return { ...style, colour: COLOURS[code] };
  throw new Error(`a picture has no style ${code}`);
}

/** A line as runs of one style each. */
function runsOf(line) {
  const runs = [];
  let style = {};
  let column = 0;
  for (const [index, part] of line.split('\x1b[').entries()) {
    const end = index === 0 ? 0 : part.indexOf('m') + 1;
    if (end > 0)
      style = part
        .slice(0, end - 1)
        .split(';')
        .map(Number)
        .reduce(styled, style);
    const text = part.slice(end);
    const width = displayWidth(text);
    runs.push({ text, column, width, style });
    column += width;
  }
  return runs.filter(({ text }) => text.trim() !== '');
}

function drawnRun({ text, column, width, style: { bold, dim, italic, underline, colour } }) {
  const looks = [
    `x="${rounded(MARGIN + column * CELL)}"`,
    // Whatever font there is: the columns stay in line.
    `textLength="${rounded(width * CELL)}"`,
    `fill="${colour ?? (dim ? DIM : INK)}"`,
    ...(colour && dim ? ['opacity="0.7"'] : []),
    ...(bold ? ['font-weight="700"'] : []),
    ...(italic ? ['font-style="italic"'] : []),
    ...(underline ? ['text-decoration="underline"'] : []),
  ];
  return `<tspan ${looks.join(' ')}>${escaped(drawable(text))}</tspan>`;
}

/** @param text with the control sequences for colours. @param columns of the terminal. */
export function drawn(text, columns) {
  const lines = text.trimEnd().split('\n').map(settled);
  const width = rounded(columns * CELL + 2 * MARGIN);
  const height = lines.length * ROW + 2 * MARGIN;
  const rows = lines.flatMap((line, index) => {
    const runs = runsOf(line);
    const y = MARGIN + index * ROW + FONT_SIZE;
    return runs.length === 0 ? [] : [`<text y="${y}">${runs.map(drawnRun).join('')}</text>`];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONTS}" font-size="${FONT_SIZE}" xml:space="preserve">
<style>text { white-space: pre }</style>
<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>
${rows.join('\n')}
</svg>
`;
}
