// Rows with their goals, as a table for people and as JSON for machines.
import { medianOf, ratioOf } from './measure.mjs';

/**
 * A row of the table.
 * @param figures by competitor (makima, plain, emmett, langgraph, by hand …): the objects of each round.
 * @param figure the one of these objects' numbers that the table shows.
 * @param notes whatever a reader must know to read the figures.
 */
export function row({ id, work, unit, figure, figures, goals = [], notes = [] }) {
  const medians = Object.fromEntries(
    Object.entries(figures).map(([name, rounds]) => [name, medianOf(rounds, figure)]),
  );
  return { id, work, unit, medians, goals, notes, rounds: figures };
}

/** Goal: the rounds' median ratio to another competitor is at least so much. */
export const atLeast = (limit, unit, rounds, others, figure) =>
  goal('≥', limit, unit, ratioOf(rounds, others, figure));

/** Goal: the rounds' median ratio to another competitor is at most so much. */
export const atMost = (limit, unit, rounds, others, figure) =>
  goal('≤', limit, unit, ratioOf(rounds, others, figure));

/** Goal for a value as it is. */
export const goal = (comparison, limit, unit, value) => ({
  goal: `${comparison} ${limit} ${unit}`,
  value,
  unit,
  reached: comparison === '≥' ? value >= limit : comparison === '≤' ? value <= limit : value === limit,
});

export function shown(value) {
  if (typeof value !== 'number' || !Number.isFinite(value)) return '–';
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

const verdict = ({ goal: text, value, unit, reached }) =>
  `${text}: ${shown(value)} ${unit}, ${reached ? 'reached' : '**falls short**'}`;

/** The rows as a Markdown table. */
export function table(rows) {
  const lines = rows.map(({ work, unit, medians, goals, notes }) => {
    const measured = Object.entries(medians).map(([name, value]) => `${name} ${shown(value)}`);
    const said = goals.length > 0 ? goals.map(verdict) : ['reported, no goal'];
    return `| ${work} | ${measured.join('; ')} ${unit} | ${said.join('<br>')} | ${notes.join('<br>')} |`;
  });
  return ['| work | median | goal, measured | notes |', '|---|---|---|---|', ...lines].join('\n');
}
