/**
 * The code that runs foreign source, as text: it is started from sources and from a build alike, with no file to find.
 *
 * `evaluate` gives the source a context of its own, with the language and nothing of the host. Everything that the source
 * can touch is made in that context: an object of the host would lead it to the host's `Function`. So values go in and out
 * as JSON text, the code around the source (`harness`) is compiled in the context too, and promises are settled by its own
 * queue of microtasks, which is empty when `evaluate` answers. Should an object of the host get in all the same, as the error
 * of an `import()` does in Node 22, `Function` can't be reached from it, and the globals of the host are gone.
 */

// Runs in the context, before the source, and keeps what it needs of the language from changes by the source.
const harness = String.raw`(function (shared) {
  "use strict"
  const { parse, stringify } = JSON
  const { apply, getPrototypeOf } = Reflect
  const { isFinite } = Number
  const { isArray } = Array
  const { prototype: plain } = Object
  const then = Promise.prototype.then
  const resolve = Promise.resolve.bind(Promise)
  const isError = Function.prototype.call.bind(Error[Symbol.hasInstance], Error)
  const startsWith = Function.prototype.call.bind(String.prototype.startsWith)
  const text = String
  let problem

  const kindOf = (value) => {
    switch (typeof value) {
      case "number": return isFinite(value) ? undefined : text(value)
      case "undefined": case "function": case "symbol": case "bigint": return "a value of type " + typeof value
      case "object": {
        if (value === null || isArray(value)) return undefined
        const prototype = getPrototypeOf(value)
        return prototype === plain || prototype === null ? undefined : "an object of a class"
      }
    }
  }

  // A property that is undefined is left out, as JSON does it; anything else that JSON would drop or change is refused.
  const only = function (key, value) {
    const kind = value === undefined && key !== "" && !isArray(this) ? undefined : kindOf(value)
    if (kind === undefined) return value
    problem = key === "" ? "it is " + kind : "at " + stringify(key) + " is " + kind
    throw problem
  }

  const isCircle = (error) => isError(error) && startsWith(error.message, "Converting circular structure")

  const succeed = (value) => {
    try {
      shared.text = stringify(value, only)
      shared.tag = "Value"
    } catch (error) {
      if (problem === undefined && isCircle(error)) problem = "it contains itself"
      if (problem === undefined) return fail(error)
      shared.detail = problem
      shared.tag = "NotJson"
    }
  }

  const fail = (error) => {
    try {
      if (isError(error)) {
        shared.name = text(error.name)
        shared.detail = text(error.message)
        shared.stack = text(error.stack)
      } else {
        shared.detail = text(error)
      }
    } catch {
      shared.detail = "a value that can't be shown"
    }
    shared.tag = "Thrown"
  }

  return (source, input) => () => {
    try {
      const value = source(parse(input))
      const isThenable = value !== null && typeof value === "object" && typeof value.then === "function"
      if (!isThenable) return succeed(value)
      apply(then, resolve(value), [succeed, fail])
    } catch (error) {
      fail(error)
    }
  }
})`

/** Defines `evaluate(request)`, which answers a plain object of texts and numbers, and throws nothing. */
export const evaluator = String.raw`"use strict"
const { createContext, compileFunction, constants, Script } = require("node:vm")
const { byteLength } = Buffer
const { deleteProperty, getPrototypeOf, ownKeys } = Reflect
const host = globalThis

const harness = ${JSON.stringify(harness)}

const positionOf = ({ stack }) => {
  const [file, , carets] = String(stack).split("\n")
  const line = Number(/:(\d+)$/.exec(file)?.[1] ?? 1)
  const caret = (carets ?? "").indexOf("^")
  return { line, column: (caret < 0 ? (carets ?? "").length : caret) + 1 }
}

const short = (text) => (typeof text === "string" ? text.slice(0, 4096) : "")

const framesOf = (stack) =>
  short(stack)
    .split("\n")
    .map((line) => /^ +at (.*\bsource:\d+:\d+\)?)$/.exec(line)?.[1])
    .filter((frame) => frame !== undefined)

// Each of these makes functions from text, and is reached from any function.
const seal = () => {
  for (const made of [function () {}, async function () {}, function* () {}, async function* () {}]) {
    delete getPrototypeOf(made).constructor
  }
  for (const name of ownKeys(host)) deleteProperty(host, name)
}

const evaluate = ({ source, input, maxBytes }) => {
  // A promise of the source that nobody handles is the source's own affair.
  process.on("unhandledRejection", () => {})
  const context = createContext(constants.DONT_CONTEXTIFY, {
    codeGeneration: { strings: false, wasm: false },
    microtaskMode: "afterEvaluate"
  })
  // What could block the thread, lies outside of the memory that is counted, or steers the garbage collector.
  for (const name of ["Atomics", "SharedArrayBuffer", "WebAssembly", "gc"]) {
    // The last one is there when Node is told to expose it, and can be overwritten and not deleted.
    if (name in context && !deleteProperty(context, name)) context[name] = undefined
  }
  let program
  try {
    program = compileFunction(source, ["input"], { parsingContext: context, filename: "source" })
  } catch (error) {
    return { _tag: "InvalidSyntax", ...positionOf(error), detail: short(error.message) }
  }
  if (input === undefined) return { _tag: "Value", text: "null" }
  const shared = new Script("({ __proto__: null })").runInContext(context)
  const wrap = new Script(harness, { filename: "sandbox" }).runInContext(context)
  // The source never sees this name: it is gone before the source begins.
  context.run = wrap(shared)(program, input)
  const begin = new Script("{ const begin = run; delete globalThis.run; begin() }", { filename: "sandbox" })
  seal()
  try {
    begin.runInContext(context)
  } catch {
    return { _tag: "Thrown", name: "", detail: "a value that can't be shown", stack: [] }
  }
  const { tag, text, name, detail, stack } = shared
  switch (tag) {
    case "Value": {
      // Nothing is returned by a toJSON that returns nothing.
      if (typeof text !== "string") return { _tag: "NotJson", detail: "it is nothing" }
      const size = byteLength(text)
      return size > maxBytes ? { _tag: "TooLarge", size } : { _tag: "Value", text }
    }
    case "NotJson":
      return { _tag: "NotJson", detail: short(detail) }
    case "Thrown":
      return { _tag: "Thrown", name: short(name), detail: short(detail), stack: framesOf(stack) }
    default:
      return { _tag: "NeverSettles" }
  }
}
`

/** The code of a worker: its data is the request. */
export const workerCode = String.raw`${evaluator}
const { parentPort, workerData } = require("node:worker_threads")
const port = parentPort
port.postMessage({ _tag: "Started" })
port.postMessage(evaluate(workerData))
`

/** The code of a process: it reads its request, and writes that it has started and its answer, each on a line. */
export const processCode = String.raw`${evaluator}
const { readFileSync, writeFileSync } = require("node:fs")
const { parse, stringify } = JSON
const request = parse(readFileSync(0, "utf8"))
writeFileSync(1, '{"_tag":"Started"}\n')
writeFileSync(1, stringify(evaluate(request)) + "\n")
`
