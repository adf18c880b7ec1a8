/** One event of a live stream. */
export interface ServerEvent {
  /** The last id that the stream named, up to here; '' before the first. */
  readonly id: string;
  /** `message` where the stream names none. */
  readonly event: string;
  readonly data: string;
}

/**
 * Reads Server-Sent Events out of text as it arrives, in pieces of any size (WHATWG HTML §9.2.6). What stands after the
 * last blank line is no event yet.
 */
export class SseParser {
  #rest = '';
  #started = false;
  #data: string[] = [];
  #event = '';
  #id = '';
  #retryMs: number | undefined;

  /** The last id that was dispatched. */
  lastEventId = '';

  /** Milliseconds to wait before connecting again, as the server last said. */
  get retryMs(): number | undefined {
    return this.#retryMs;
  }

  feed(text: string): readonly ServerEvent[] {
    let input = this.#rest + text;
    if (!this.#started && input.length > 0) {
      this.#started = true;
      if (input.startsWith('\ufeff')) input = input.slice(1);
    }
    const events: ServerEvent[] = [];
    let start = 0;
    for (let end = endOfLine(input, 0); end !== -1; end = endOfLine(input, start)) {
      const event = this.#line(input.slice(start, end));
      if (event) events.push(event);
      start = end + (input.startsWith('\r\n', end) ? 2 : 1);
    }
    this.#rest = input.slice(start);
    return events;
  }

  #line(line: string): ServerEvent | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) this.#retryMs = Number(value);
    return undefined;
  }

  #dispatch(): ServerEvent | undefined {
    const data = this.#data;
    const event = this.#event || 'message';
    this.#data = [];
    this.#event = '';
    this.lastEventId = this.#id;
    return data.length === 0 ? undefined : { id: this.#id, event, data: data.join('\n') };
  }
}

/** Where a line ends from `start` on; -1 if it may go on, also for a CR whose LF may still come. */
function endOfLine(text: string, start: number): number {
  const lf = text.indexOf('\n', start);
  const cr = text.indexOf('\r', start);
  if (cr !== -1 && (lf === -1 || cr < lf)) return cr === text.length - 1 ? -1 : cr;
  return lf;
}
