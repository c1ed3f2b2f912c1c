/**
 * `npm run soak [-- --clients 1000 --seconds 60 --seed 1]`: many clients in processes of their own, whose sockets are
 * destroyed at random on both sides, and of which one process after the other is killed. Nothing may be lost in silence,
 * delivered twice or left behind.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Duration, Effect, Option, Result } from "effect"
import { type ChildProcess, fork, spawn } from "node:child_process"
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { readdirSync, readlinkSync } from "node:fs"
import type { Socket } from "node:net"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Acceptor, Authentication } from "troupe/net"
import * as Tcp from "troupe/net/tcp"
import { Prng } from "../../src/testing/internal/prng.ts"
import { heapUsed } from "../support/heap.ts"
import { type Report, Soak } from "./soaking.ts"

export interface Options {
  readonly clients: number
  readonly seconds: number
  readonly seed: number
}

export interface Outcome {
  /** Of all clients that lived to tell of it. */
  readonly clients: Report
  /** How many processes were killed, each with its clients. */
  readonly killed: number
  readonly server: {
    readonly accepted: number
    readonly handled: number
    /** Requests that were handled more than once, and tells that came again or behind a later one. */
    readonly twice: number
    readonly misordered: number
  }
  /** The heap of the server, in bytes, without garbage: before anybody came, while they were there, and when all had gone. */
  readonly heap: { readonly before: number; readonly during: ReadonlyArray<number>; readonly after: number }
  /** The file descriptors of the server. */
  readonly descriptors: {
    readonly before: number
    readonly most: number
    /** What is open still, and was not before. */
    readonly left: ReadonlyArray<string>
  }
}

// How many clients a process has.
const perProcess = 250

const program = join(import.meta.dirname, "soak-clients.ts")

const folder = "/proc/self/fd"

const descriptors = (): number => readdirSync(folder).length

/** What is open. */
const opened = (): ReadonlySet<string> => {
  const targetOf = (descriptor: string) => Result.try(() => readlinkSync(join(folder, descriptor)))
  return new Set(readdirSync(folder).flatMap((one) => Option.toArray(Result.getSuccess(targetOf(one)))))
}

/** What the server was asked: the last numbers of each lane, which tell what came twice. */
class Ledger {
  handled = 0
  twice = 0
  misordered = 0
  private readonly asked = new Map<string, Set<number>>()
  private readonly told = new Map<string, number>()

  ask(key: string, n: number): void {
    this.handled++
    let last = this.asked.get(key)
    if (last === undefined) this.asked.set(key, (last = new Set()))
    if (last.has(n)) this.twice++
    last.add(n)
    for (const oldest of last) {
      if (last.size <= 16) break
      last.delete(oldest)
    }
  }

  tell(key: string, n: number): void {
    if (n <= (this.told.get(key) ?? -1)) this.misordered++
    this.told.set(key, n)
  }

  clear(): void {
    this.asked.clear()
    this.told.clear()
  }
}

/** The sockets that this process has accepted and that are open, as Node tells of them. */
const accepted = Effect.acquireRelease(
  Effect.sync(() => {
    const sockets = new Set<Socket>()
    const onSocket = (message: unknown): void => {
      const { socket } = message as { readonly socket: Socket }
      sockets.add(socket)
      socket.once("close", () => sockets.delete(socket))
    }
    subscribe("net.server.socket", onSocket)
    return { sockets, onSocket }
  }),
  ({ onSocket }) => Effect.sync(() => unsubscribe("net.server.socket", onSocket))
)

const start = (port: number, first: number, count: number, seed: number) =>
  Effect.acquireRelease(
    Effect.sync(() => fork(program, [port, first, count, seed].map(String), { execArgv: ["-C", "source"] })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

const ended = (child: ChildProcess): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const hasEnded = () => (child.exitCode !== null || child.signalCode !== null) && !child.connected
    const look = () => void (hasEnded() && resume(Effect.void))
    // Of the two either may be the first.
    child.once("exit", look)
    child.once("disconnect", look)
    look()
  })

const reportOf = (child: ChildProcess): Effect.Effect<Report> =>
  Effect.callback((resume) => {
    child.once("message", (report) => resume(Effect.succeed(report as Report)))
    child.once("exit", () => resume(Effect.die(new Error("clients ended without a report"))))
    child.send("end")
  })

const sum = (reports: ReadonlyArray<Report>): Report => {
  const failed: Record<string, number> = {}
  for (const report of reports) {
    for (const [tag, count] of Object.entries(report.failed)) failed[tag] = (failed[tag] ?? 0) + count
  }
  const of = (what: Exclude<keyof Report, "failed">) => reports.reduce((all, report) => all + report[what], 0)
  return {
    asked: of("asked"),
    answered: of("answered"),
    wrong: of("wrong"),
    untyped: of("untyped"),
    told: of("told"),
    failed
  }
}

/** Runs the soak, and answers what has come of it. `onSample` is told how it goes, some twelve times. */
export const soak = (
  { clients, seconds, seed }: Options,
  onSample: (sample: string) => Effect.Effect<void>
): Effect.Effect<Outcome> =>
  Effect.gen(function* () {
    const chance = new Prng(seed)
    const ledger = new Ledger()
    const during: Array<number> = []
    let most = 0
    let killed = 0
    let came = 0
    let reports: ReadonlyArray<Report> = []
    // Node keeps what it opens for its first child.
    yield* Effect.flatMap(
      Effect.sync(() => spawn(process.execPath, ["--version"], { stdio: "ignore" })),
      ended
    )
    const openedBefore = opened()
    const descriptorsBefore = descriptors()
    const before = yield* heapUsed

    const serving = Effect.gen(function* () {
      const { sockets } = yield* accepted
      const acceptor = yield* Acceptor.make(Tcp.make({ host: "127.0.0.1", port: 0 }), Soak, {
        authenticator: Authentication.open,
        handlers: {
          ask: ({ client, lane, n }) =>
            Effect.suspend(() => {
              ledger.ask(`${client} ${lane}`, n)
              const answer = `${client} ${lane} ${n}`
              return n % 4 === 3 ? Effect.delay(Effect.succeed(answer), chance.below(100)) : Effect.succeed(answer)
            }),
          tell: ({ client, lane, n }) => Effect.sync(() => ledger.tell(`${client} ${lane}`, n))
        }
      })
      const port = Number(acceptor.transport.address.split(":").at(-1))
      const each = Math.min(perProcess, Math.ceil(clients / 2))
      let next = 0
      const some = (count: number) =>
        Effect.suspend(() => {
          const first = next
          next += count
          return start(port, first, count, chance.below(0x7fff_ffff))
        })
      const children: Array<ChildProcess> = []
      for (let left = clients; left > 0; left -= each) children.push(yield* some(Math.min(each, left)))

      // This side destroys sockets as well, if fewer.
      yield* Effect.forkScoped(
        Effect.forever(
          Effect.andThen(
            Effect.suspend(() => Effect.sleep(chance.below(80_000 / clients) + 1)),
            Effect.sync(() => [...sockets][chance.below(sockets.size)]?.destroy())
          )
        )
      )
      const kill = Effect.gen(function* () {
        const at = chance.below(children.length)
        children[at]!.kill("SIGKILL")
        yield* ended(children[at]!)
        killed++
        children[at] = yield* some(each)
      })
      yield* Effect.forkScoped(Effect.repeat(Effect.delay(kill, (seconds * 1000) / 6), { times: 3 }))

      const sample = Effect.gen(function* () {
        const { connections } = yield* acceptor.stats
        const heap = yield* heapUsed
        during.push(heap)
        most = Math.max(most, descriptors())
        yield* onSample(
          `${connections} connections, ${ledger.handled} requests handled, heap ${Math.round(heap / 1024)} KiB, ` +
            `${descriptors()} file descriptors, ${killed} processes killed`
        )
      })
      yield* Effect.repeat(Effect.delay(sample, (seconds * 1000) / 12), { times: 11 })
      reports = yield* Effect.forEach(children, reportOf, { concurrency: "unbounded" })
      yield* Effect.forEach(children, ended)
      came = (yield* acceptor.stats).accepted
      // Whoever has gone is gone here as well.
      yield* Effect.repeat(Effect.delay(acceptor.stats, "10 millis"), { until: ({ connections }) => connections === 0 })
    })
    yield* Effect.scoped(serving)
    ledger.clear()
    const after = yield* heapUsed
    const { handled, misordered, twice } = ledger
    return {
      clients: sum(reports),
      killed,
      server: { accepted: came, handled, twice, misordered },
      heap: { before, during, after },
      descriptors: { before: descriptorsBefore, most, left: [...opened()].filter((one) => !openedBefore.has(one)) }
    }
  }).pipe(Effect.orDie)

const KiB = 1024

/** What is wrong with an outcome: nothing, where there is nothing. */
export const faults = ({ clients, descriptors, heap, server }: Outcome): ReadonlyArray<string> => {
  const failed = Object.values(clients.failed).reduce((all, count) => all + count, 0)
  const lost = clients.asked - clients.answered - failed
  const third = Math.ceil(heap.during.length / 3)
  const early = Math.max(...heap.during.slice(third, 2 * third))
  const late = Math.max(...heap.during.slice(-third))
  const found: ReadonlyArray<readonly [boolean, string]> = [
    [clients.answered === 0, "no request was answered"],
    [lost !== 0, `${lost} requests ended neither with an answer nor with a typed error`],
    [clients.untyped > 0, `${clients.untyped} requests ended with what is no typed error of theirs`],
    [clients.wrong > 0, `${clients.wrong} requests got the answer of another one`],
    [server.twice > 0, `${server.twice} requests were handled twice`],
    [server.misordered > 0, `${server.misordered} tells came twice, or out of order`],
    [late > early * 1.1 + 1024 * KiB, `the heap grew from ${early} to ${late} bytes while clients came and went`],
    [heap.after > heap.before + 8192 * KiB, `${heap.after - heap.before} bytes were left behind`],
    [descriptors.left.length > 0, `file descriptors are open still: ${descriptors.left.join(", ")}`]
  ]
  return found.flatMap(([is, what]) => (is ? [what] : []))
}

const main = Effect.gen(function* () {
  const { values } = parseArgs({
    options: {
      clients: { type: "string", default: "1000" },
      seconds: { type: "string", default: "60" },
      seed: { type: "string", default: "1" }
    }
  })
  const options = { clients: Number(values.clients), seconds: Number(values.seconds), seed: Number(values.seed) }
  console.log(
    `${options.clients} clients for ${Duration.format(Duration.seconds(options.seconds))}, seed ${options.seed}`
  )
  const outcome = yield* soak(options, (sample) => Effect.sync(() => console.log(sample)))
  console.log(JSON.stringify(outcome, undefined, 2))
  const wrong = faults(outcome)
  for (const what of wrong) console.error(what)
  process.exitCode = wrong.length === 0 ? 0 : 1
})

if (import.meta.main) NodeRuntime.runMain(main)
