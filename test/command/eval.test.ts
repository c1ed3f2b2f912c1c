import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Layer, Logger, Schema } from "effect"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { readFileSync } from "node:fs"
import { subscribe } from "node:diagnostics_channel"
import type { Worker } from "node:worker_threads"
import { Process, ProcessHost } from "troupe"
import { Eval, EvalError, type Sandbox } from "troupe/command"
import * as ProcessSandbox from "troupe/command/process-sandbox"
import * as WorkerSandbox from "troupe/command/worker-sandbox"

const Body = Process.make("app:body")

/** The threads that run. */
const workers = new Set<Worker>()
subscribe("worker_threads", (message) => {
  const { worker } = message as { readonly worker: Worker }
  workers.add(worker)
  worker.once("exit", () => workers.delete(worker))
})

/** The children of a process: a zombie counts, a reaped child does not. */
const childrenOf = (pid: number): ReadonlyArray<string> =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter((child) => child !== "")

/** Each sandbox, and what it has running. */
const sandboxes: ReadonlyArray<{
  readonly name: string
  readonly layer: Layer.Layer<Sandbox.Sandbox, unknown>
  readonly running: () => number
}> = [
  {
    name: "WorkerSandbox",
    layer: WorkerSandbox.layer(),
    running: () => workers.size
  },
  {
    name: "ProcessSandbox",
    layer: ProcessSandbox.layer().pipe(Layer.provide(NodeServices.layer)),
    running: () => childrenOf(process.pid).length
  }
]

const reasonOf = <A, E>(failing: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(failing), (error) =>
    error instanceof EvalError.EvalError ? error.reason : assert.fail(`not an EvalError: ${String(error)}`)
  )

const until = (holds: () => boolean) =>
  Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), Effect.sync(holds)), { until: (held) => held })

for (const sandbox of sandboxes) {
  /** Runs the effect as the body of a process. */
  const inProcess = <A, E, R>(body: Effect.Effect<A, E, R>, options?: Eval.Options) => {
    const live = Eval.layer(options).pipe(Layer.provide(sandbox.layer))
    return Effect.gen(function* () {
      const pid = yield* Process.spawn(Body)
      return yield* Effect.flatten(Process.await(pid))
    }).pipe(
      Effect.provide([
        Body.toLayer(() => body).pipe(Layer.provide(live)),
        ProcessHost.layer("app:h"),
        Logger.layer([])
      ]),
      Effect.tap(Effect.sync(() => assert.strictEqual(sandbox.running(), 0, "nothing is left running")))
    ) as Effect.Effect<A, E>
  }

  const evaluated = (source: string, input?: Schema.Json, options?: Eval.RunOptions) =>
    inProcess(Eval.run(source, input, options))

  describe(`eval with ${sandbox.name}`, () => {
    it.live("D18 eval: source gets its input and answers JSON", () =>
      Effect.gen(function* () {
        const input = { items: [{ price: 1.5, name: "ä\u2028\ud83d\ude00" }], none: null, yes: true }
        assert.deepStrictEqual(yield* evaluated("return input", input), input)
        assert.strictEqual(yield* evaluated("return input === null"), true)
        assert.deepStrictEqual(yield* evaluated("return { a: undefined, b: new Date(0), c: [[]] }"), {
          b: "1970-01-01T00:00:00.000Z",
          c: [[]]
        })
        assert.strictEqual(yield* evaluated("return (async () => { await null; return (await input) + 1 })()", 1), 2)
        assert.strictEqual(
          yield* evaluated(
            "return Object.getOwnPropertyNames(input).includes('__proto__')",
            JSON.parse('{"__proto__": 1}')
          ),
          true
        )
      })
    )

    it.live("D18 eval: a program is compiled once, belongs to its process, and is forgotten with it", () =>
      Effect.gen(function* () {
        const program = yield* inProcess(
          Effect.gen(function* () {
            const program = yield* Eval.compile("return input + 1")
            assert.deepStrictEqual([yield* Eval.run(program, 1), yield* Eval.run(program, 2)], [2, 3])
            const closed = yield* Eval.compile("return 0")
            yield* Eval.close(closed)
            yield* Eval.close(closed)
            const gone = yield* Effect.flip(Eval.run(closed))
            assert.strictEqual(gone instanceof EvalError.EvalError && gone.reason._tag, "ProgramNotFound")
            return program
          })
        )
        const other = yield* reasonOf(inProcess(Eval.run(program)))
        assert.strictEqual(other._tag, "ProgramNotFound")
      })
    )

    it.live("D18 eval: a program of another process is not found", () =>
      Effect.gen(function* () {
        const compiled = yield* Deferred.make<Eval.Program>()
        const tried = yield* Deferred.make<void>()
        const Owner = Process.make("app:owner")
        const OwnerLive = Owner.toLayer(() =>
          Effect.gen(function* () {
            const program = yield* Eval.compile("return 1")
            yield* Deferred.succeed(compiled, program)
            yield* Deferred.await(tried)
            return yield* Eval.run(program)
          })
        )
        const Thief = Process.make("app:thief")
        const ThiefLive = Thief.toLayer(() =>
          Effect.gen(function* () {
            const program = yield* Deferred.await(compiled)
            yield* Eval.close(program)
            return yield* Effect.flip(Eval.run(program))
          })
        )
        yield* Effect.gen(function* () {
          const owner = yield* Process.spawn(Owner)
          const thief = yield* Process.spawn(Thief)
          const refusal: unknown = yield* Effect.flatten(Process.await(thief))
          assert.strictEqual(refusal instanceof EvalError.EvalError && refusal.reason._tag, "ProgramNotFound")
          yield* Deferred.succeed(tried, undefined)
          assert.deepStrictEqual(yield* Process.await(owner), Exit.succeed(1))
        }).pipe(
          Effect.provide([
            Layer.mergeAll(OwnerLive, ThiefLive).pipe(Layer.provide(Eval.layer()), Layer.provide(sandbox.layer)),
            ProcessHost.layer("app:h")
          ])
        )
      })
    )

    it.live("D18 eval: source that can't be read is an error with its place, and nothing of it runs", () =>
      Effect.gen(function* () {
        const cases: ReadonlyArray<readonly [source: string, line: number, column: number, detail: RegExp]> = [
          ["return 1 +", 1, 11, /end of input/],
          ["const a = 1;\n\tconst é = ]", 2, 12, /Unexpected token '\]'/],
          ["}; return 1; {", 1, 1, /Unexpected token '}'/],
          ["let x; let x", 1, 12, /already been declared/],
          ["await 1", 1, 1, /await/],
          ["import fs from 'node:fs'", 1, 1, /import/],
          ["return 1\n// fine\n}", 3, 1, /Unexpected token '}'/],
          ["\n\n  )", 3, 3, /Unexpected token '\)'/]
        ]
        for (const [source, line, column, detail] of cases) {
          for (const reason of [
            yield* reasonOf(inProcess(Eval.compile(source))),
            yield* reasonOf(inProcess(Eval.run(source)))
          ]) {
            assert.strictEqual(reason._tag, "InvalidSyntax", source)
            if (reason._tag !== "InvalidSyntax") continue
            assert.deepStrictEqual([reason.line, reason.column], [line, column], source)
            assert.match(reason.detail, detail)
          }
        }
        // It would run for ever.
        yield* inProcess(Eval.compile("for (;;);"))
      })
    )

    it.live("D18 eval: what source throws comes with its message and the frames of the source alone", () =>
      Effect.gen(function* () {
        const thrown = yield* reasonOf(evaluated("function f() {\n  g()\n}\nfunction g() { null.x }\nf()"))
        assert.deepStrictEqual(
          thrown,
          new EvalError.Thrown({
            name: "TypeError",
            detail: "Cannot read properties of null (reading 'x')",
            stack: ["g (source:4:21)", "f (source:2:3)", "source:5:1"]
          })
        )
        const cases: ReadonlyArray<readonly [source: string, name: string, detail: string]> = [
          ["throw 'text'", "", "text"],
          ["throw null", "", "null"],
          ["throw undefined", "", "undefined"],
          ["throw Object.create(null)", "", "a value that can't be shown"],
          ["throw { toString() { throw 1 } }", "", "a value that can't be shown"],
          [
            "throw Object.assign(new Error('x'), { name: { toString() { throw 1 } } })",
            "",
            "a value that can't be shown"
          ],
          ["return Promise.reject(new RangeError('later'))", "RangeError", "later"],
          ["return { toJSON() { throw new Error('json') } }", "Error", "json"],
          ["const f = () => f(); f()", "RangeError", "Maximum call stack size exceeded"],
          ["throw new Error('x'.repeat(1e6))", "Error", "x".repeat(4096)]
        ]
        for (const [source, name, detail] of cases) {
          const reason = yield* reasonOf(evaluated(source))
          assert.strictEqual(reason._tag, "Thrown", source)
          if (reason._tag === "Thrown") assert.deepStrictEqual([reason.name, reason.detail], [name, detail], source)
        }
        // A promise that nobody looks at is the source's own affair.
        assert.strictEqual(yield* evaluated("Promise.reject(new Error('x')); return 1"), 1)
      })
    )

    it.live("D18 eval: a result that is not JSON is an error that says where", () =>
      Effect.gen(function* () {
        const cases: ReadonlyArray<readonly [source: string, detail: RegExp]> = [
          ["", /undefined/],
          ["return () => 1", /function/],
          ["return { a: { b: NaN } }", /at "b" is NaN/],
          ["return [1, Infinity]", /at "1" is Infinity/],
          ["return [1, undefined]", /at "1" is .* undefined/],
          ["return 1n", /bigint/],
          ["return Symbol()", /symbol/],
          ["return { m: new Map() }", /at "m" is an object of a class/],
          ["const a = {}; a.a = a; return a", /contains itself/],
          ["return { toJSON() {} }", /undefined/],
          ["let a = []; for (let i = 0; i < 600; i++) a = [a]; return a", /nested more than 500 deep/],
          ["JSON.stringify = () => 'forged'; Reflect.apply = null; return () => 1", /function/]
        ]
        for (const [source, detail] of cases) {
          const reason = yield* reasonOf(evaluated(source))
          assert.strictEqual(reason._tag, "NotJson", source)
          if (reason._tag === "NotJson") assert.match(reason.detail, detail, source)
        }
        assert.strictEqual((yield* reasonOf(evaluated("return new Promise(() => {})")))._tag, "NeverSettles")
      })
    )

    it.live("D18 eval: sources, inputs and results over the limit are refused", () =>
      Effect.gen(function* () {
        const of = (effect: ReturnType<typeof Eval.run> | ReturnType<typeof Eval.compile>) =>
          reasonOf(inProcess(effect as ReturnType<typeof Eval.run>, { maxBytes: 20 }))
        const large = (what: "source" | "input" | "result", size: number) =>
          new EvalError.TooLarge({ what, limit: 20, size })
        const source = "return 'äääääääääää'"
        assert.deepStrictEqual(yield* of(Eval.run(source)), large("source", 31))
        assert.deepStrictEqual(yield* of(Eval.compile(source)), large("source", 31))
        assert.deepStrictEqual(yield* of(Eval.run("return 1", "ä".repeat(10))), large("input", 22))
        assert.deepStrictEqual(yield* of(Eval.run("return 'ä'.repeat(10)")), large("source", 22))
        assert.deepStrictEqual(yield* of(Eval.run("return '' + 1e20+0")), large("result", 24))
        assert.strictEqual(yield* inProcess(Eval.run("return input", "x".repeat(18)), { maxBytes: 20 }), "x".repeat(18))
      })
    )

    it.live("D18 eval: source that does not end is ended at its limit, and the program goes on meanwhile", () =>
      Effect.gen(function* () {
        const loops = [
          "while (true) {}",
          "const f = () => Promise.resolve().then(f); f(); return 1",
          "return new Proxy({}, { ownKeys() { for (;;); } })",
          "return { toJSON() { for (;;); } }",
          "throw { toString() { for (;;); } }",
          "/(a*)*b/.test('a'.repeat(40))"
        ]
        for (const source of loops) {
          let steps = 0
          const ticking = yield* Effect.forkChild(
            Effect.forever(
              Effect.andThen(
                Effect.sleep("5 millis"),
                Effect.sync(() => steps++)
              )
            )
          )
          const [took, reason] = yield* Effect.timed(reasonOf(evaluated(source, null, { time: "200 millis" })))
          assert.deepStrictEqual(reason, new EvalError.TimeLimit({ milliseconds: 200 }), source)
          assert.isBelow(Duration.toMillis(took), 5000)
          assert.isAbove(steps, 2, "the program goes on")
          ticking.interruptUnsafe()
        }
        const layered = yield* reasonOf(
          inProcess(Eval.run("for (;;);", null, { time: "1 hour" }), { time: "50 millis" })
        )
        assert.deepStrictEqual(layered, new EvalError.TimeLimit({ milliseconds: 50 }))
      })
    )

    it.live(
      "D18 eval: source that takes too much memory is ended, and the program lives",
      () =>
        Effect.gen(function* () {
          const bombs = [
            "const a = []; while (true) a.push({ x: 1 })",
            "const m = new Map(); for (let i = 0; ; i++) m.set(i, i)",
            "const o = {}; for (let i = 0; ; i++) o['k' + i] = i",
            "const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))",
            "const a = []; for (;;) a.push(new Array(1e6).fill(0))",
            "const a = []; for (;;) a.push('abc'.repeat(1e5).split(''))",
            "const f = (a) => Promise.resolve([a, new Array(100)]).then(f); return f()"
          ]
          for (const source of bombs) {
            const reason = yield* reasonOf(evaluated(source, null, { memory: 64, time: "20 seconds" }))
            assert.deepStrictEqual(reason, new EvalError.MemoryLimit({ megabytes: 64 }), source)
          }
        }),
      60_000
    )

    it.live("D18 eval: an interruption, a timeout and the end of the process end a run", () =>
      Effect.gen(function* () {
        yield* inProcess(
          Effect.gen(function* () {
            const running = yield* Process.yieldAsync(Eval.commands.run, { program: "for (;;);", input: null })
            yield* until(() => sandbox.running() === 1)
            yield* running.cancel
            assert.strictEqual(sandbox.running(), 0)
            const late = yield* Effect.flip(
              Process.yield(Eval.commands.run, { program: "for (;;);", input: null }, { timeout: "100 millis" })
            )
            assert.strictEqual(late._tag, "YieldTimeout")
            assert.strictEqual(sandbox.running(), 0)
            yield* Process.yieldAsync(Eval.commands.run, { program: "for (;;);", input: null })
            yield* until(() => sandbox.running() === 1)
          })
        )
      })
    )

    it.live("D18 eval: a run sees nothing of those before it", () =>
      Effect.gen(function* () {
        const left = yield* inProcess(
          Effect.gen(function* () {
            yield* Eval.run("globalThis.left = 1; Object.prototype.left = 2; Array.prototype.map = null; return 1")
            return yield* Eval.run("return [typeof left, typeof {}.left, typeof [].map]")
          })
        )
        assert.deepStrictEqual(left, ["undefined", "undefined", "function"])
      })
    )

    it.live("D18 eval: source has the language, and nothing of the host", () =>
      Effect.gen(function* () {
        const host = "process require module exports Buffer fetch setTimeout setInterval setImmediate queueMicrotask"
        const closed =
          "structuredClone performance navigator WebSocket MessageChannel Atomics SharedArrayBuffer WebAssembly gc run"
        for (const name of `${host} ${closed}`.split(" ")) {
          assert.strictEqual(yield* evaluated(`return typeof ${name}`), "undefined", name)
        }
        // What would lead out: each answers whether it got hold of something of the host, or is refused.
        const isForeign =
          "(o) => (typeof o === 'object' || typeof o === 'function') && o !== null && !(o instanceof Object)"
        // Whether any function that can be reached from a value makes code from text. The error of an import() is the host's.
        const walk = `
          const seen = new Set()
          const visit = (o) => {
            if ((typeof o !== "object" && typeof o !== "function") || o === null || seen.has(o)) return
            seen.add(o)
            visit(Object.getPrototypeOf(o))
            for (const { value, get, set } of Object.values(Object.getOwnPropertyDescriptors(o))) [value, get, set].forEach(visit)
          }
          const makesCode = (error) => {
            visit(error)
            return [...seen].some((f) => { try { return f("return 7")() === 7 || new f("return 7")() === 7 } catch { return false } })
          }`
        const ways = [
          "return globalThis.constructor.constructor('return typeof process')() !== 'undefined'",
          "return (async () => {}).constructor('return typeof process')().then((t) => t !== 'undefined')",
          "return (function* () {}).constructor('yield typeof process')().next().value !== 'undefined'",
          "return eval('1') === 1",
          "return input.constructor.constructor === undefined || foreign(input) || foreign(arguments)",
          "return foreign(arguments.callee.caller) || foreign(this) || foreign(Object.getPrototypeOf(globalThis))",
          "const seen = []; Error.prepareStackTrace = (e, t) => { seen.push(e, t, ...t); for (const c of t) seen.push(c.getThis(), c.getFunction(), c.getEvalOrigin()) }; void new Error().stack; return seen.some(foreign)",
          "let e; try { const f = () => f(); f() } catch (x) { e = x } return foreign(e)",
          "let e; try { eval('1') } catch (x) { e = x } return foreign(e)",
          "let e; try { new Array(-1) } catch (x) { e = x } return foreign(e)",
          "return foreign(console) || Object.values(console).some(foreign) || foreign(console.log('x'))",
          "return Object.getOwnPropertyNames(globalThis).some((n) => foreign(globalThis[n]))",
          "Object.defineProperty(Object.prototype, 'tag', { set(v) { throw 1 } }); return false",
          `return import('node:fs').then(() => true, (error) => { ${walk}; return makesCode(error) })`,
          "return new Function('return 1')() === 1"
        ]
        for (const way of ways) {
          const outcome = yield* Effect.result(evaluated(`const foreign = ${isForeign}\n${way}`, { a: [1] }))
          if (outcome._tag === "Success") {
            assert.strictEqual(outcome.success, false, way)
          } else {
            const { failure } = outcome
            const isRefused =
              failure instanceof EvalError.EvalError &&
              (failure.reason._tag === "NeverSettles" ||
                (failure.reason._tag === "Thrown" && failure.reason.name === "EvalError"))
            assert.isTrue(isRefused, `${way}: ${String(failure)}`)
          }
        }
      })
    )

    it.live("D18 eval: many runs at once are answered, each with its own result", () =>
      Effect.gen(function* () {
        const results = yield* inProcess(
          Effect.gen(function* () {
            const running = yield* Effect.forEach(Array.from({ length: 20 }), (_, index) =>
              Process.yieldAsync(Eval.commands.run, { program: "return input * 2", input: index })
            )
            return yield* Effect.forEach(running, (run) => run.await)
          })
        )
        assert.deepStrictEqual(
          results,
          Array.from({ length: 20 }, (_, index) => index * 2)
        )
      })
    )

    it.live("D18 eval: errors go through JSON and back", () =>
      Effect.gen(function* () {
        const codec = Schema.toCodecJson(EvalError.EvalError)
        const error = new EvalError.EvalError({ reason: yield* reasonOf(evaluated("throw new Error('x')")) })
        const json = JSON.stringify(yield* Schema.encodeEffect(codec)(error))
        assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(codec)(JSON.parse(json)), error)
      })
    )
  })
}

describe("eval with ProcessSandbox alone", () => {
  it.live("D18 eval: what ends a whole program ends its process", () =>
    Effect.gen(function* () {
      const body = (source: string) => Eval.run(source, null, { memory: 64, time: "20 seconds" })
      const live = Eval.layer({ time: "20 seconds" }).pipe(
        Layer.provide(ProcessSandbox.layer()),
        Layer.provide(NodeServices.layer)
      )
      const sources = [
        "return new Uint8Array(4e9).fill(1).length",
        "return 'x,'.repeat(2.5e8).split(',').length",
        "return JSON.stringify('x'.repeat(2 ** 28)).length"
      ]
      for (const source of sources) {
        const reason = yield* Process.spawn(Body).pipe(
          Effect.flatMap(Process.await),
          Effect.flatten,
          Effect.provide([
            Body.toLayer(() => Effect.flip(body(source))).pipe(Layer.provide(live)),
            ProcessHost.layer("app:h")
          ])
        )
        assert.deepStrictEqual(
          reason,
          new EvalError.EvalError({ reason: new EvalError.MemoryLimit({ megabytes: 64 }) }),
          source
        )
      }
      assert.strictEqual(childrenOf(process.pid).length, 0)
    })
  )
})
