import { line, span, type Line, type Span, type Style } from '../terminal/styled.js';

const two = (value: number): string => String(value).padStart(2, '0');

/** A moment as the reader's clock shows it: `2026-03-01 14:30:05 +01:00`. What is no time comes back as it is. */
export function localTime(iso: string): string {
  const parts = partsOf(iso);
  return parts ? `${parts.day} ${parts.time} ${parts.zone}` : iso;
}

/** Day, time of day and zone of a moment in the machine's zone (TZ). */
export function partsOf(
  iso: string,
): { readonly day: string; readonly time: string; readonly zone: string } | undefined {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return undefined;
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return {
    day: `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
    time: `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`,
    zone,
  };
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** A heading for everything of one day: `Sunday 2026-03-01 (+01:00)`. */
export function dayHeading(iso: string): string | undefined {
  const parts = partsOf(iso);
  return parts && `${WEEKDAYS[new Date(iso).getDay()]} ${parts.day} (${parts.zone})`;
}

const STEPS = [
  [60, 's'],
  [60, 'min'],
  [24, 'h'],
  [Infinity, 'd'],
] as const;

/** How long ago a moment was: `12 s ago`, `3 h ago`. */
export function ago(iso: string, now: Date): string {
  let amount = Math.max(0, (now.getTime() - Date.parse(iso)) / 1_000);
  for (const [next, unit] of STEPS) {
    if (amount < next) return `${Math.floor(amount)} ${unit} ago`;
    amount /= next;
  }
  return iso;
}

/** `1,234,567`. */
export const count = (value: number): string => value.toLocaleString('en-US');

/** `1 message`, `12 messages`. */
export const counted = (value: number, noun: string, plural = `${noun}s`): string =>
  `${count(value)} ${value === 1 ? noun : plural}`;

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1.2 MiB`. */
export function bytes(value: number): string {
  let amount = value;
  let unit = 0;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[unit]}`;
}

/** `$0.42`, and more digits for less than a cent. */
export const dollars = (value: number): string =>
  `$${value.toFixed(value !== 0 && Math.abs(value) < 0.01 ? 4 : 2)}`;

/** Text on one line: white space collapsed, cut after so many characters. */
export function oneLine(text: string, most = Infinity): string {
  // What is far beyond the end cannot be seen and need not be looked at.
  const near = Number.isFinite(most) ? text.slice(0, most * 4 + 64) : text;
  const collapsed = near.replace(/\s+/g, ' ').trim();
  const characters = collapsed.length > most ? [...collapsed] : [];
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : collapsed;
}

const LEAST = 8;

/**
 * How to show ids: whole in pipes; on a terminal by the shortest beginning that no other one here shares. (Ids that were
 * made at nearly the same time begin alike.)
 */
export function idShortener(ids: readonly string[], whole: boolean): (id: string) => string {
  if (whole) return (id) => id;
  const distinct = new Set(ids);
  let length = LEAST;
  while (length < 36 && new Set([...distinct].map((id) => id.slice(0, length))).size < distinct.size)
    length += 1;
  // A dash at the end says nothing.
  if (length === LEAST + 1 || length === 14 || length === 19 || length === 24) length += 1;
  return (id) => id.slice(0, length);
}

const STATUS_STYLES: Readonly<Record<string, Style>> = {
  running: 'green',
  starting: 'green',
  completed: 'green',
  active: 'green',
  live: 'green',
  ok: 'green',
  current: 'green',
  connected: 'green',
  failed: 'red',
  stopped: 'red',
  cancelled: 'red',
  lost: 'red',
  aborted: 'red',
  poisoned: 'red',
  interrupted: 'yellow',
  paused: 'yellow',
  requested: 'yellow',
  committed: 'yellow',
  deferred: 'yellow',
  pending: 'yellow',
  rebuilding: 'yellow',
  catching_up: 'yellow',
  archived: 'dim',
};

export const statusSpan = (status: string): Span => {
  const style = STATUS_STYLES[status];
  return style ? span(status, style) : span(status);
};

/** What a command did, in one line that stands out. */
export const done = (text: string): Line => line(span('✓ ', 'green'), text);
export const wouldDo = (text: string): Line =>
  line(span('would ', 'yellow', 'bold'), text, span('  (dry run: nothing was changed)', 'dim'));
