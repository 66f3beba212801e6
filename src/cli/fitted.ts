const GAP = 2;

type Rows = readonly (readonly string[])[];

/**
 * A table, its heading first, for a terminal of `width` characters: where it is too wide, what may be spared goes, by its
 * heading, in that order. Without a terminal it is whole.
 */
export function fitted(rows: Rows, spare: readonly string[], width: number | undefined): Rows {
  const [first, ...others] = spare;
  if (width === undefined || first === undefined || widthOf(rows) <= width) return rows;
  const index = rows[0]?.indexOf(first) ?? -1;
  return fitted(index === -1 ? rows : rows.map((row) => row.toSpliced(index, 1)), others, width);
}

function widthOf(rows: Rows): number {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return widths.reduce((sum, one) => sum + one + GAP, -GAP);
}
