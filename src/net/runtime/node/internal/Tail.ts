/** The last lines of what somebody writes, however much it is. */

// Bytes, or nearly so; and lines.
const Most = 8192
const Lines = 20

export class Tail {
  private text = ""

  add(piece: string): void {
    this.text = (this.text + piece).slice(-Most)
  }

  get lines(): ReadonlyArray<string> {
    return this.text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .slice(-Lines)
  }
}
