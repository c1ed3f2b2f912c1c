/** Figures and tables as they are printed. */

/** With as many digits as say something. */
export const number = (value: number): string =>
  value.toLocaleString("en", value < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 })

/** Lines of cells, the first of which are the heads, in columns; those with these numbers are aligned on the right. */
export const table = (lines: ReadonlyArray<ReadonlyArray<string>>, onTheRight: ReadonlyArray<number>): string => {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines
    .map((line) =>
      line
        .map((text, column) =>
          onTheRight.includes(column) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)
        )
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}
