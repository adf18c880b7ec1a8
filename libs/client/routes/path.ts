/** A part of a path that came from outside: it can name one thing, and never reach another route. */
export const seg = (text: string): string => {
  // URLs treat `.` and `..` as steps, also when they are percent-encoded.
  if (text === '' || /^\.{1,2}$/.test(text)) throw new RangeError(`${JSON.stringify(text)} names nothing`);
  return encodeURIComponent(text.toWellFormed());
};
