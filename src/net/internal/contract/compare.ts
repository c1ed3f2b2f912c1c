/**
 * What changed between two versions of a contract, and who can do with it.
 */
import type { Contract, Route } from "../../Contract.ts"
import { classify } from "./classes.ts"
import { parts } from "./document.ts"
import { fitting } from "./fitting.ts"
import { type Graph, type Id, make } from "./graph.ts"
import { words } from "./words.ts"

export type Compatibility = "full" | "backward" | "breaking"

export interface Change {
  readonly side: "server" | "client"
  /** Empty when it is about the protocol as a whole. */
  readonly route: string
  /** Where in the route: `payload.items[].price`; empty when it is about the route as a whole. */
  readonly path: string
  /** In words. */
  readonly detail: string
  readonly compatibility: Compatibility
  readonly toString: () => string
}

export interface Comparison {
  /** The worst of its changes. */
  readonly compatibility: Compatibility
  readonly changes: ReadonlyArray<Change>
}

/** Which way a value of the one version can be read by the other. */
interface Ways {
  readonly oldFitsNew: boolean
  readonly newFitsOld: boolean
}

const sides = ["server", "client"] as const

export const compare = (before: Contract, after: Contract): Comparison => {
  const graph = make()
  const roots: Array<Id> = []
  const idsOf = ({ references, ...contract }: Contract, side: "server" | "client") =>
    contract[side].map((route) => {
      const types = parts.map((part) => graph.add(route[part], references))
      roots.push(...types)
      return { route, types }
    })
  const added = sides.map((side) => [side, idsOf(before, side), idsOf(after, side)] as const)
  const { of } = classify(graph, roots)
  const same = (a: Id, b: Id) => of(a) === of(b)

  const changes: Array<Change> = []
  const note = (place: Pick<Change, "side" | "route" | "path">, detail: string, compatibility: Compatibility) => {
    const where = [place.route === "" ? "protocol" : `${place.side} route "${place.route}"`, place.path]
    const text = `${compatibility}: ${where.filter((part) => part !== "").join(", ")}: ${detail}`
    changes.push({ ...place, detail, compatibility, toString: () => text })
  }
  if (before.protocol !== after.protocol) {
    const detail = `the protocol was ${JSON.stringify(before.protocol)}, and is ${JSON.stringify(after.protocol)}`
    note({ side: "server", route: "", path: "" }, detail, "breaking")
  }
  for (const [side, old, now] of added) {
    // Who is served is asked for less, and may ask for more; whoever is asked, the reverse.
    const isServer = side === "server"
    for (const { route } of old) {
      if (now.some((other) => other.route.name === route.name)) continue
      note({ side, route: route.name, path: "" }, "the route was removed", isServer ? "breaking" : "backward")
    }
    for (const next of now) {
      const last = old.find((other) => other.route.name === next.route.name)
      const place = { side, route: next.route.name }
      if (last === undefined) {
        note({ ...place, path: "" }, "the route was added", isServer ? "backward" : "breaking")
        continue
      }
      if (last.route.stream !== next.route.stream) note({ ...place, path: "" }, streamWords(next.route), "breaking")
      for (const [index, part] of parts.entries()) {
        const [from, to] = [last.types[index], next.types[index]]
        if (from === undefined || to === undefined) continue
        const callerSends = (part === "payload") === isServer
        difference(graph, same, from, to, part, (path, detail, { newFitsOld, oldFitsNew }) => {
          const [backward, forward] = callerSends ? [oldFitsNew, newFitsOld] : [newFitsOld, oldFitsNew]
          note({ ...place, path }, detail, backward ? (forward ? "full" : "backward") : "breaking")
        })
      }
    }
  }
  const worst = (["breaking", "backward"] as const).find((one) =>
    changes.some(({ compatibility }) => compatibility === one)
  )
  return { compatibility: worst ?? "full", changes }
}

const streamWords = ({ stream }: Route): string =>
  stream ? "the answer is a stream, and was one value" : "the answer is one value, and was a stream"

/** Notes what is another in a type, where it stands: what is named twice is looked at once. */
const difference = (
  graph: Graph,
  same: (a: Id, b: Id) => boolean,
  from: Id,
  to: Id,
  start: string,
  note: (path: string, detail: string, ways: Ways) => void
): void => {
  const fits = fitting(graph, same)
  const show = (id: Id) => words(graph, id)
  const seen = new Set<string>()

  const visit = (a: Id, b: Id, path: string): void => {
    const pair = `${a} ${b}`
    if (same(a, b) || seen.has(pair)) return
    seen.add(pair)
    const [one, other] = [graph.node(a), graph.node(b)]
    if (one.shape._tag === "Union" || other.shape._tag === "Union") {
      if (one.checks.length === 0 && other.checks.length === 0) return members(a, b, path)
    }
    if (one.shape._tag === "Struct" && other.shape._tag === "Struct" && sameIndexes(a, b)) {
      checks(a, b, path)
      return fields(a, b, path)
    }
    if (one.shape._tag === "Tuple" && other.shape._tag === "Tuple") {
      const [x, y] = [one.shape, other.shape]
      const alike =
        x.rest.length === y.rest.length &&
        x.elements.length === y.elements.length &&
        x.elements.every((element, index) => element.isOptional === y.elements[index]?.isOptional)
      if (alike) {
        checks(a, b, path)
        x.elements.forEach((element, index) =>
          visit(element.type, y.elements[index]?.type ?? element.type, `${path}[${index}]`)
        )
        x.rest.forEach((type, index) => visit(type, y.rest[index] ?? type, `${path}[]`))
        return
      }
    }
    if (one.shape._tag === "Declared" && other.shape._tag === "Declared" && one.shape.label === other.shape.label) {
      const theirs = other.shape.parameters
      if (one.shape.parameters.length === theirs.length && one.shape.label !== "TemplateLiteral") {
        checks(a, b, path)
        const several = theirs.length > 1
        one.shape.parameters.forEach((type, index) =>
          visit(type, theirs[index] ?? type, several ? `${path}<${index}>` : `${path}<>`)
        )
        return
      }
    }
    whole(path, show(a), show(b), { oldFitsNew: fits(a, b), newFitsOld: fits(b, a) })
  }

  const whole = (path: string, was: string, is: string, ways: Ways): void => {
    const { newFitsOld, oldFitsNew } = ways
    const verb = oldFitsNew === newFitsOld ? "changed" : oldFitsNew ? "was widened" : "was narrowed"
    note(path, `the type ${verb} from ${was} to ${is}`, ways)
  }

  const checks = (a: Id, b: Id, path: string): void => {
    const [x, y] = [graph.node(a), graph.node(b)]
    const text = (id: Id) => words(graph, id, "checks")
    if (fits.sameChecks(x, y)) return
    whole(path, text(a), text(b), { oldFitsNew: fits.checksFit(x, y), newFitsOld: fits.checksFit(y, x) })
  }

  // Where the keys of an index may be those of fields, only the whole can be told.
  const sameIndexes = (a: Id, b: Id): boolean => {
    const [x, y] = [graph.node(a).shape, graph.node(b).shape]
    if (x._tag !== "Struct" || y._tag !== "Struct" || x.indexes.length !== y.indexes.length) return false
    const [one, other] = [x.indexes[0], y.indexes[0]]
    if (one === undefined || other === undefined) return true
    const isRecord = x.fields.length === 0 && y.fields.length === 0 && x.indexes.length === 1
    return isRecord && same(one.parameter, other.parameter)
  }

  const fields = (a: Id, b: Id, path: string): void => {
    const [x, y] = [graph.node(a).shape, graph.node(b).shape]
    if (x._tag !== "Struct" || y._tag !== "Struct") return
    for (const [index, { type }] of x.indexes.entries()) visit(type, y.indexes[index]?.type ?? type, `${path}{}`)
    const required = (isOptional: boolean) => (isOptional ? "may be left out" : "is required")
    for (const field of x.fields) {
      if (y.fields.some(({ key }) => key === field.key)) continue
      const detail = `the field was removed${field.isOptional ? ", and could be left out" : ", and was required"}`
      note(`${path}.${field.key}`, detail, { oldFitsNew: true, newFitsOld: field.isOptional })
    }
    for (const field of y.fields) {
      const at = `${path}.${field.key}`
      const last = x.fields.find(({ key }) => key === field.key)
      if (last === undefined) {
        const detail = `the field was added, and ${required(field.isOptional)}`
        note(at, detail, { oldFitsNew: field.isOptional, newFitsOld: true })
        continue
      }
      if (last.isOptional !== field.isOptional) {
        const ways = { oldFitsNew: field.isOptional, newFitsOld: last.isOptional }
        note(at, `the field ${required(field.isOptional)} now`, ways)
      }
      visit(last.type, field.type, at)
    }
  }

  const members = (a: Id, b: Id, path: string): void => {
    // What a union has twice is one member.
    const distinct = (ids: ReadonlyArray<Id>) => ids.filter((x, index) => ids.findIndex((y) => same(x, y)) === index)
    const [theirs, ours] = [distinct(graph.members(a)), distinct(graph.members(b))]
    const old = theirs.filter((x) => !ours.some((y) => same(x, y)))
    const now = ours.filter((y) => !theirs.some((x) => same(x, y)))
    // Two that can stand for each other are one that changed, unless another member takes it in already.
    const isChange = (x: Id, y: Id) => fits(x, y) === fits(x, b) && fits(y, x) === fits(y, a)
    const pairs: Array<readonly [Id, Id]> = []
    for (const y of now) {
      const tag = fits.tagOf(y)
      const x = tag === undefined ? undefined : old.find((id) => fits.tagOf(id) === tag)
      if (x !== undefined && !pairs.some(([paired]) => paired === x) && isChange(x, y)) pairs.push([x, y])
    }
    const left = old.filter((x) => !pairs.some(([paired]) => paired === x))
    const right = now.filter((y) => !pairs.some(([, paired]) => paired === y))
    for (const [x, y] of pairs) visit(x, y, ours.length > 1 ? `${path}|${fits.tagOf(y)}` : path)
    const [x, y] = [left[0], right[0]]
    if (x !== undefined && y !== undefined && left.length === 1 && right.length === 1 && isChange(x, y)) {
      if (fits.tagOf(x) === undefined && fits.tagOf(y) === undefined) return visit(x, y, path)
    }
    for (const id of left) note(path, `${show(id)} was removed`, { oldFitsNew: fits(id, b), newFitsOld: true })
    for (const id of right) note(path, `${show(id)} was added`, { oldFitsNew: true, newFitsOld: fits(id, a) })
  }

  // A side that expects nothing does not look at what came.
  const expectsNothing = (id: Id): boolean => {
    const { shape } = graph.node(id)
    return shape._tag === "Leaf" && shape.label === "Void"
  }
  if (start !== "error" && !same(from, to) && (expectsNothing(from) || expectsNothing(to))) {
    whole(start, show(from), show(to), {
      oldFitsNew: expectsNothing(to) || fits(from, to),
      newFitsOld: expectsNothing(from) || fits(to, from)
    })
  } else visit(from, to, start)
}
