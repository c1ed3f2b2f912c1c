/**
 * Types in words, as people would write them.
 */
import { ownName } from "./checks.ts"
import { type Check, type Graph, type Id, ordered } from "./graph.ts"

// Deep enough to tell what it is, and short enough for a line.
const MaxDepth = 3
const MaxMembers = 6

const list = (texts: ReadonlyArray<string>, separator: string): string =>
  texts.length > MaxMembers
    ? `${texts.slice(0, MaxMembers).join(separator)}${separator}${texts.length - MaxMembers} more`
    : texts.join(separator)

const checkWords = (check: Check): string => {
  const payload = check.payload === null || check.payload === undefined ? "" : ` ${ordered(check.payload)}`
  return `${ownName(check) ?? check.id}${payload}`
}

/** A type in words; for `"checks"` without what stands in it, where the checks are what matters. */
export const words = (graph: Graph, id: Id, what: "all" | "checks" = "all"): string => {
  const show = (at: Id, depth: number): string => {
    const { checks, name, shape } = graph.node(at)
    const bare = ((): string => {
      if (shape._tag === "Leaf") return shape.label
      if (name !== undefined) return name
      if (depth >= MaxDepth || (what === "checks" && shape._tag === "Struct")) return "…"
      const inner = (child: Id) => show(child, depth + 1)
      switch (shape._tag) {
        case "Declared": {
          const label = shape.label.replace(/^effect\/schema\//, "")
          return shape.parameters.length === 0 ? label : `${label}<${shape.parameters.map(inner).join(", ")}>`
        }
        case "Tuple": {
          const [rest] = shape.rest
          if (shape.elements.length === 0 && rest !== undefined) return `Array<${inner(rest)}>`
          const elements = shape.elements.map(({ isOptional, type }) => `${inner(type)}${isOptional ? "?" : ""}`)
          return `[${list([...elements, ...shape.rest.map((type) => `...${inner(type)}`)], ", ")}]`
        }
        case "Struct": {
          const fields = shape.fields.map(
            ({ isOptional, key, type }) => `${key}${isOptional ? "?" : ""}: ${inner(type)}`
          )
          const indexes = shape.indexes.map(({ parameter, type }) => `[${inner(parameter)}]: ${inner(type)}`)
          const all = [...fields, ...indexes]
          return all.length === 0 ? "{}" : `{ ${list(all, ", ")} }`
        }
        case "Union": {
          const members = checks.length === 0 ? graph.members(at) : shape.members
          return members.length === 0 ? "Never" : list(members.map(inner), " | ")
        }
      }
    })()
    return checks.length === 0 ? bare : `${bare} (${[...new Set(checks.map(checkWords))].join(", ")})`
  }
  return show(id, 0)
}
