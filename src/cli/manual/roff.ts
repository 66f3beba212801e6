/** Text as man(7) takes it: what means something to roff is written out, and nothing but ASCII is left. */
export function plain(text: string): string {
  return text
    .replaceAll('\\', '\\(rs')
    .replaceAll('…', '...')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll(/^\./gm, '\\&.');
}

export function bold(text: string): string {
  return `\\fB${plain(text)}\\fR`;
}

/** What stands for something else. */
export function italic(text: string): string {
  return `\\fI${plain(text)}\\fR`;
}

/** A word and what it means, indented below it. */
export function item(head: string, text: string): string {
  return `.TP\n${head}\n${text}`;
}

export function section(title: string, ...parts: readonly string[]): string {
  return [`.SH ${title.includes(' ') ? `"${title}"` : title}`, ...parts].join('\n');
}

/** Lines as they stand, one below the other. */
export function example(...lines: readonly string[]): string {
  return ['.RS 4', '.nf', ...lines.map(plain), '.fi', '.RE'].join('\n');
}
