/**
 * The words of a `.proto` file, each with its line.
 */
import * as Result from "effect/Result"
import { InvalidProto } from "../../ContractError.ts"
import { shown } from "../shown.ts"

export interface Token {
  readonly kind: "name" | "number" | "text" | "sign" | "end"
  /** As it stands in the file; of a text, what it says. */
  readonly text: string
  readonly line: number
}

// One alternative for each kind of word, and what stands between them.
const word =
  /(?<space>\s+|\/\/[^\n]*|\/\*[^]*?\*\/)|(?<name>[A-Za-z_][A-Za-z0-9_]*)|(?<number>0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)|(?<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?<sign>[{}[\]()<>=;,.:+-]|\/(?!\*))/y

export const tokens = (file: string, source: string): Result.Result<ReadonlyArray<Token>, InvalidProto> => {
  const all: Array<Token> = []
  let at = 0
  let line = 1
  while (at < source.length) {
    word.lastIndex = at
    const match = word.exec(source)
    if (match === null) {
      const found = source.slice(at)
      const detail = found.startsWith("/*")
        ? "the comment that begins here does not end: write */ behind it"
        : /^["']/.test(found)
          ? "the text that begins here does not end in its line: write the quote behind it"
          : `${shown(source.charAt(at))} stands where no .proto file has it: remove it`
      return Result.fail(new InvalidProto({ file, line, detail }))
    }
    const { name, number, sign, text } = match.groups ?? {}
    if (name !== undefined) all.push({ kind: "name", text: name, line })
    else if (number !== undefined) all.push({ kind: "number", text: number, line })
    else if (text !== undefined) all.push({ kind: "text", text: text.slice(1, -1), line })
    else if (sign !== undefined) all.push({ kind: "sign", text: sign, line })
    const [whole] = match
    line += whole.split("\n").length - 1
    at += whole.length
  }
  all.push({ kind: "end", text: "the end of the file", line })
  return Result.succeed(all)
}
