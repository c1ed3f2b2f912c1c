/**
 * The names of what is generated: identifiers, each once, of what others have named as they liked.
 */

/**
 * What a generated module has already: its imports, its other exports, the globals that are named in types, and the
 * namespaces that Schema's own declarations import.
 */
export const reserved: ReadonlySet<string> = new Set(
  [
    "Schema Rpc SemVer SemVerRange ActorType DataStream Directory Protocol",
    "Handlers Array ReadonlyArray Symbol",
    "BigDecimal ByteSize Cause Chunk Cookies DateTime Duration Exit Graph",
    "HashMap HashSet Headers Option Redacted Result UrlParams"
  ].flatMap((names) => names.split(" "))
)

/** A text as the name of a type: no word of the language begins as it does. */
export const pascal = (text: string): string => {
  const name = text
    .split(/[^A-Za-z0-9]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("")
  return name === "" ? "Type" : /^[0-9]/.test(name) ? `_${name}` : name
}

/** Gives names out: one that is taken, or reserved, with a number behind it. */
export const naming = (): ((wanted: string) => string) => {
  const taken = new Set(reserved)
  return (wanted) => {
    let name = wanted
    for (let count = 2; taken.has(name); count++) name = `${wanted}${count}`
    taken.add(name)
    return name
  }
}
