import { assert, describe } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Ref, Scope } from "effect"
import { Explore, Network, TransportConformance } from "troupe/testing"
import { it } from "troupe/testing/vitest"
import type { Wire } from "../../src/net/Transport.ts"
import { WireClosed } from "../../src/net/TransportError.ts"

const mebibyte = 1024 * 1024

const subject = (options: Network.Options): TransportConformance.Subject => {
  let lose: Network.Network["lose"] = () => Effect.void
  return {
    make: Effect.map(Network.make(options), (network) => {
      lose = network.lose
      return network.transport("near", "far")
    }),
    lose: (wire) => lose(wire),
    underway: 2 * mebibyte
  }
}

it.conforms("network", subject({ latency: { min: 0, max: 2 } }))

describe("the guarantees hold under every schedule", () => {
  const small = TransportConformance.cases.filter(
    (one) =>
      TransportConformance.applies(one, subject({})) &&
      !/10,000|hundred|does not take|while the other|do not mix/.test(one.name)
  )
  for (const one of small) {
    it.live(
      one.name,
      () =>
        Explore.check(
          Effect.scoped(one.run(subject({ maxFrame: 4096, window: 100_000, latency: { min: 0, max: 2 } }))),
          {
            schedules: 20,
            maxSteps: 200_000
          }
        ),
      60_000
    )
  }
})

/** Frames that arrive, until the wire ends. */
const arrived = (wire: Wire, numbers: Array<number>) =>
  Effect.gen(function* () {
    while (true) {
      const taken = yield* Effect.result(wire.receive)
      if (taken._tag === "Failure") return taken.failure
      for (const frame of taken.success) numbers.push(frame[0]!)
    }
  })

const echo = (wire: Wire) => Effect.ignore(Effect.forever(Effect.flatMap(wire.receive, wire.sendAll)))

const frame = (number: number): Uint8Array => Uint8Array.of(number)

const upTo = (count: number): Array<number> => Array.from({ length: count }, (_, at) => at)

/** Says what is not so, as a failure of the schedule. */
const check = (holds: boolean, otherwise: string) => (holds ? Effect.void : Effect.fail(otherwise))

const explored = <E>(
  name: string,
  options: Network.Options,
  program: (network: Network.Network) => Effect.Effect<unknown, E, Scope.Scope>,
  schedules: number = 50
) => it.explore(name, Effect.flatMap(Network.make(options), program), { schedules, maxSteps: 50_000 })

/** A wire from a to b with both of its ends. */
const between = (network: Network.Network, a = "a", b = "b") =>
  Effect.gen(function* () {
    const transport = network.transport(a, b)
    const served: Array<Wire> = []
    yield* transport.listen((wire) =>
      Effect.andThen(
        Effect.sync(() => void served.push(wire)),
        Effect.never
      )
    )
    const near = yield* transport.connect
    yield* Effect.repeat(Effect.sleep("1 millis"), { until: () => served.length > 0 })
    return { near, far: served[0]!, transport }
  })

describe("latency", () => {
  explored("a frame is underway for just so long", { latency: "7 millis" }, (network) =>
    Effect.gen(function* () {
      const { far, near } = yield* between(network)
      const before = yield* Clock.currentTimeMillis
      yield* Effect.forkChild(echo(far))
      yield* near.send(frame(1))
      yield* near.receive
      const there = (yield* Clock.currentTimeMillis) - before
      yield* check(there === 14, `it was there and back after ${there} ms`)
    })
  )

  explored("connecting takes the way there and back", { latency: "7 millis" }, (network) =>
    Effect.gen(function* () {
      const transport = network.transport("a", "b")
      yield* Effect.flip(transport.connect)
      yield* check((yield* Clock.currentTimeMillis) === 14, "it was refused at another time")
      yield* transport.listen(() => Effect.never)
      yield* transport.connect
      yield* check((yield* Clock.currentTimeMillis) === 28, "it was connected at another time")
    })
  )

  const seen = new Set<number>()
  explored("it is any time between two, and a wire keeps its order", { latency: { min: 2, max: 9 } }, (network) =>
    Effect.gen(function* () {
      const { far, near } = yield* between(network)
      const before = yield* Clock.currentTimeMillis
      const numbers: Array<number> = []
      yield* Effect.forkChild(arrived(far, numbers))
      yield* Effect.forEach(upTo(20), (number) => near.send(frame(number)))
      yield* Effect.sleep("9 millis")
      const took = (yield* Clock.currentTimeMillis) - before
      yield* check(numbers.join() === upTo(20).join(), `${numbers.join()} arrived within ${took} ms`)
      yield* Effect.sync(() => seen.add(took))
      const early: Array<number> = []
      const one = yield* Effect.forkChild(arrived(near, early))
      yield* far.send(frame(1))
      yield* Effect.repeat(Effect.sleep("500 micros"), { until: () => early.length > 0 })
      yield* Fiber.interrupt(one)
      const alone = (yield* Clock.currentTimeMillis) - before - took
      yield* check(alone >= 2 && alone <= 9.5, `a frame took ${alone} ms`)
      seen.add(Math.round(alone))
    })
  )
  it("and not always the same", () => assert.isAbove(seen.size, 3))
})

describe("partitions", () => {
  explored("I16 one way: what is sent is held, and arrives in order when it is healed", {}, (network) =>
    Effect.gen(function* () {
      const { far, near } = yield* between(network)
      const [here, there]: [Array<number>, Array<number>] = [[], []]
      yield* Effect.forkChild(arrived(near, here))
      yield* Effect.forkChild(arrived(far, there))
      yield* near.send(frame(0))
      yield* Effect.sleep("10 millis")
      yield* network.clog("a", "b")
      yield* Effect.forEach([1, 2, 3], (number) => near.send(frame(number)))
      yield* far.send(frame(9))
      yield* Effect.sleep("1 hour")
      yield* check(there.join() === "0" && here.join() === "9", `${there.join()} there, ${here.join()} here`)
      yield* network.unclog("a", "b")
      yield* Effect.sleep("1 millis")
      yield* check(there.join() === "0,1,2,3", `${there.join()} after it was healed`)
    })
  )

  explored("I12 a sender whose reader can't be heard waits", { window: 2000 }, (network) =>
    Effect.gen(function* () {
      const { far, near } = yield* between(network)
      const numbers: Array<number> = []
      yield* Effect.forkChild(arrived(far, numbers))
      yield* network.clog("b", "a")
      let sent = 0
      yield* Effect.forkChild(
        Effect.forEach(upTo(40), (at) => Effect.tap(near.send(frame(at)), () => Effect.sync(() => sent++)))
      )
      yield* Effect.sleep("1 second")
      // Each weighs its byte and 256 more.
      yield* check(sent === 8 && numbers.length === 8, `${sent} were sent, ${numbers.length} have arrived`)
      yield* network.heal
      yield* Effect.sleep("1 second")
      yield* check(numbers.join() === upTo(40).join(), `${numbers.join()} arrived`)
    })
  )

  explored(
    "connecting through one is TimedOut at its time, and leaves nothing",
    { connectTimeout: "3 seconds" },
    (network) =>
      Effect.gen(function* () {
        const transport = network.transport("a", "b")
        const listening = yield* transport.listen(echo)
        for (const [from, to] of [
          ["a", "b"],
          ["b", "a"]
        ] as const) {
          yield* network.clog(from, to)
          const before = yield* Clock.currentTimeMillis
          const error = yield* Effect.flip(transport.connect)
          yield* check(error.reason === "TimedOut", error.message)
          yield* check((yield* Clock.currentTimeMillis) - before === 3000, "it was at another time")
          yield* network.heal
          yield* Effect.sleep("1 second")
          yield* check((yield* listening.wires) === 0, "a wire was left open")
        }
      })
  )

  explored("groups: within one it goes on, between them nothing passes", {}, (network) =>
    Effect.gen(function* () {
      const within = yield* between(network, "a", "b")
      const across = yield* between(network, "a", "c")
      yield* Effect.forkChild(echo(within.far))
      yield* Effect.forkChild(echo(across.far))
      yield* network.partition(["a", "b"], ["c"])
      yield* within.near.send(frame(1))
      yield* across.near.send(frame(2))
      yield* within.near.receive
      const waiting = yield* Effect.forkChild(across.near.receive)
      yield* Effect.sleep("1 hour")
      yield* check(waiting.pollUnsafe() === undefined, "it passed the partition")
      yield* network.heal
      yield* Fiber.join(waiting)
    })
  )

  const heldLong = [0, 0, 0]
  explored(
    "swizzle: everything is clogged once and passes in the end, in order",
    { latency: { min: 0, max: 3 } },
    (network) =>
      Effect.gen(function* () {
        const wires = yield* Effect.forEach(
          [
            ["a", "b"],
            ["b", "c"],
            ["c", "a"]
          ] as const,
          ([from, to]) => between(network, from, to)
        )
        const received = wires.map((): Array<number> => [])
        yield* Effect.forEach(wires, ({ far }, at) => Effect.forkChild(arrived(far, received[at]!)))
        const swizzling = yield* Effect.forkChild(network.swizzle("1 second"))
        const held = wires.map(() => 0)
        for (let at = 0; at < 50; at++) {
          yield* Effect.forEach(wires, ({ near }) => near.send(frame(at)))
          yield* Effect.sleep("20 millis")
          for (const [wire, numbers] of received.entries()) if (numbers.length <= at) held[wire]!++
        }
        yield* Fiber.join(swizzling)
        yield* Effect.sleep("10 millis")
        for (const numbers of received) yield* check(numbers.join() === upTo(50).join(), `${numbers.join()} arrived`)
        for (const [wire, turns] of held.entries()) heldLong[wire]! += turns
        yield* check((yield* Clock.currentTimeMillis) <= 1100, "it took longer than was said")
      })
  )

  it("each link for a while", () =>
    assert.isTrue(
      heldLong.every((turns) => turns > 100),
      heldLong.join()
    ))

  explored("swizzle: an interrupted one leaves nothing clogged, and what was clogged before is", {}, (network) =>
    Effect.gen(function* () {
      const { far, near } = yield* between(network)
      const numbers: Array<number> = []
      const back: Array<number> = []
      yield* Effect.forkChild(arrived(far, numbers))
      yield* Effect.forkChild(arrived(near, back))
      yield* network.clog("b", "a")
      const swizzling = yield* Effect.forkChild(network.swizzle("1 second"))
      yield* Effect.sleep("490 millis")
      yield* Fiber.interrupt(swizzling)
      yield* near.send(frame(1))
      yield* far.send(frame(2))
      yield* Effect.sleep("1 second")
      yield* check(numbers.join() === "1" && back.length === 0, `${numbers.join()} there, ${back.join()} here`)
    })
  )
})

describe("nodes", () => {
  explored(
    "frozen: it can be connected and sent to, answers nothing, and all at once when it thaws",
    { window: 2000 },
    (network) =>
      Effect.gen(function* () {
        const transport = network.transport("a", "b")
        yield* transport.listen(echo)
        const before = yield* transport.connect
        yield* network.freeze("b")
        const during = yield* transport.connect
        const answers: Array<ReadonlyArray<number>> = []
        let sent = 0
        for (const wire of [before, during]) {
          const numbers: Array<number> = []
          answers.push(numbers)
          yield* Effect.forkChild(arrived(wire, numbers))
          yield* Effect.forkChild(
            Effect.forEach(upTo(30), (at) => Effect.tap(wire.send(frame(at)), () => Effect.sync(() => sent++)))
          )
        }
        yield* Effect.sleep("1 hour")
        yield* check(sent === 16, `${sent} frames were sent to it`)
        yield* check(answers.flat().length === 0, `it answered ${answers.flat().join()}`)
        yield* network.thaw("b")
        yield* Effect.sleep("1 second")
        for (const numbers of answers) yield* check(numbers.join() === upTo(30).join(), `it answered ${numbers.join()}`)
      })
  )

  explored("frozen: what it sends and closes waits as well", {}, (network) =>
    Effect.gen(function* () {
      const { far, near } = yield* between(network)
      const numbers: Array<number> = []
      const taking = yield* Effect.forkChild(arrived(near, numbers))
      yield* far.send(frame(1))
      yield* network.freeze("b")
      const sending = yield* Effect.forkChild(far.send(frame(2)))
      yield* Effect.sleep("1 minute")
      yield* check(numbers.join() === "1" && sending.pollUnsafe() === undefined, `${numbers.join()} came of it`)
      yield* network.thaw("b")
      yield* Fiber.join(sending)
      yield* network.freeze("b")
      yield* far.close
      yield* Effect.sleep("1 minute")
      yield* check(taking.pollUnsafe() === undefined, "the close of a frozen node was seen")
      yield* network.thaw("b")
      const end = yield* Fiber.join(taking)
      yield* check(end instanceof WireClosed && end.by === "the other side", String(end))
      yield* check(numbers.join() === "1,2", `${numbers.join()} came of it`)
    })
  )

  explored(
    "crashed: nobody listens, those who serve end at once, and others learn it later",
    { detection: "2 seconds" },
    (network) =>
      Effect.gen(function* () {
        const transport = network.transport("a", "b")
        const ended = yield* Ref.make(0)
        yield* transport.listen(() =>
          Effect.ensuring(
            Effect.never,
            Ref.update(ended, (n) => n + 1)
          )
        )
        const wire = yield* transport.connect
        yield* Effect.sleep("10 millis")
        const before = yield* Clock.currentTimeMillis
        yield* network.crash("b")
        yield* check((yield* Ref.get(ended)) === 1, "what served goes on")
        const refused = yield* Effect.flip(transport.connect)
        yield* check(refused.reason === "NotListening", refused.message)
        // What is sent to it meanwhile is sent to nobody.
        yield* wire.send(frame(1))
        const end = yield* wire.closed
        yield* check(end.by === "loss", end.message)
        yield* check((yield* Clock.currentTimeMillis) - before === 2000, "it was learned at another time")
        // It is started again.
        yield* transport.listen(echo)
        const again = yield* transport.connect
        yield* again.send(frame(1))
        yield* again.receive
      })
  )

  const firstParts = new Set<number>()
  explored("crashed: of what it had sent a first part arrives", { latency: "100 millis" }, (network) =>
    Effect.gen(function* () {
      const { far, near } = yield* between(network)
      yield* Effect.forEach(upTo(5), (at) => far.send(frame(at)))
      yield* network.crash("b")
      yield* check((yield* far.closed).by === "loss", "its own side is not lost")
      const numbers: Array<number> = []
      const end = yield* arrived(near, numbers)
      yield* check(end instanceof WireClosed && end.by === "loss", String(end))
      yield* check(numbers.join() === upTo(numbers.length).join(), `${numbers.join()} arrived`)
      firstParts.add(numbers.length)
    })
  )
  it("any part", () => assert.deepStrictEqual([...firstParts].toSorted(), [0, 1, 2, 3, 4, 5]))

  explored("crashed while frozen: it is no longer frozen when it is started again", {}, (network) =>
    Effect.gen(function* () {
      const transport = network.transport("a", "b")
      yield* transport.listen(echo)
      yield* network.freeze("b")
      const wire = yield* transport.connect
      yield* wire.send(frame(1))
      yield* network.crash("b")
      yield* check((yield* wire.closed).by === "loss", "the wire is not lost")
      yield* transport.listen(echo)
      const again = yield* transport.connect
      yield* again.send(frame(2))
      yield* check((yield* again.receive)[0][0] === 2, "it answers something else")
    })
  )
})

describe("wires", () => {
  explored("whose listener closes before a frozen node has accepted them are lost", {}, (network) =>
    Effect.gen(function* () {
      const transport = network.transport("a", "b")
      const scope = yield* Scope.make()
      yield* Scope.provide(transport.listen(echo), scope)
      yield* network.freeze("b")
      const wire = yield* transport.connect
      yield* Scope.close(scope, Exit.void)
      yield* network.thaw("b")
      yield* check((yield* wire.closed).by === "loss", "it is not lost")
    })
  )

  explored("that break while they are connected are Lost", { latency: "100 millis" }, (network) =>
    Effect.gen(function* () {
      const transport = network.transport("a", "b")
      yield* transport.listen(echo)
      const connecting = yield* Effect.forkChild(Effect.flip(transport.connect))
      yield* Effect.sleep("150 millis")
      yield* network.sever("a", "b")
      const { reason } = yield* Fiber.join(connecting)
      yield* check(reason === "Lost", reason)
    })
  )

  it.explore(
    "are lost when their network ends",
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const network = yield* Scope.provide(Network.make(), scope)
      const { far, near } = yield* between(network)
      yield* near.send(frame(1))
      yield* Scope.close(scope, Exit.void)
      yield* check((yield* near.closed).by === "loss", "one side is not")
      yield* check((yield* far.closed).by === "loss", "the other side is not")
      const refused = yield* Effect.flip(near.send(frame(2)))
      yield* check(refused._tag === "WireClosed", refused.message)
    }),
    { schedules: 50 }
  )

  explored("severed: those between two nodes are lost on both sides, and no other", {}, (network) =>
    Effect.gen(function* () {
      const lost = yield* between(network, "a", "b")
      const kept = yield* between(network, "a", "c")
      yield* network.sever("b", "a")
      yield* check((yield* lost.near.closed).by === "loss", "it is not lost here")
      yield* check((yield* lost.far.closed).by === "loss", "it is not lost there")
      yield* Effect.forkChild(echo(kept.far))
      yield* kept.near.send(frame(1))
      yield* kept.near.receive
    })
  )

  let whole = 0
  let broken = 0
  explored("that break by chance have carried a first part of what was sent", { breaks: 0.05 }, (network) =>
    Effect.gen(function* () {
      const { far, near } = yield* between(network)
      const numbers: Array<number> = []
      const taking = yield* Effect.forkChild(arrived(far, numbers))
      let sent = 0
      yield* Effect.ignore(
        Effect.forEach(upTo(20), (at) => Effect.tap(near.send(frame(at)), () => Effect.sync(() => sent++)))
      )
      yield* near.close
      const end = yield* Fiber.join(taking)
      const isWhole = end._tag === "WireClosed" && end.by === "the other side"
      if (isWhole) whole++
      else broken++
      yield* check(numbers.join() === upTo(numbers.length).join(), `${numbers.join()} arrived`)
      yield* check(!isWhole || numbers.length === 20, `a wire that was closed in order has carried ${numbers.length}`)
      yield* check(numbers.length <= sent, "more arrived than was sent")
    })
  )
  it("some of them", () => assert.isTrue(whole > 5 && broken > 5, `${whole} and ${broken}`))
})

describe("datagrams", () => {
  const tally = { sent: 0, received: 0, twice: 0, late: 0 }
  const datagrams = { loss: 0.2, duplication: 0.1, reordering: 0.3 }
  explored("are lost, doubled and overtaken, each for itself", { datagrams }, (network) =>
    Effect.gen(function* () {
      const { far, near } = yield* between(network)
      const numbers: Array<number> = []
      yield* Effect.forkChild(arrived(far, numbers))
      yield* Effect.forEach(upTo(100), (at) => Effect.andThen(near.send(frame(at)), Effect.sleep("500 micros")))
      yield* Effect.sleep("1 second")
      tally.sent += 100
      tally.received += new Set(numbers).size
      tally.twice += numbers.length - new Set(numbers).size
      tally.late += numbers.filter((number, at) => at > 0 && number < numbers[at - 1]!).length
    })
  )
  it("as often as was asked for", () => {
    const { late, received, sent, twice } = tally
    assert.approximately(1 - received / sent, 0.2, 0.05)
    assert.approximately(twice / sent, 0.08, 0.03)
    assert.isAbove(late / sent, 0.1)
  })

  explored(
    "without any chance against them they all arrive in order",
    { datagrams: {}, latency: { min: 0, max: 5 } },
    (network) =>
      Effect.gen(function* () {
        const { far, near } = yield* between(network)
        const numbers: Array<number> = []
        yield* Effect.forEach(upTo(50), (at) => near.send(frame(at)))
        yield* near.close
        const end = yield* arrived(far, numbers)
        yield* check(end._tag === "WireClosed" && end.by === "the other side", String(end))
        yield* check(numbers.join() === upTo(50).join(), `${numbers.join()} arrived`)
      })
  )

  explored(
    "are lost where a link is clogged, and what a side that does not take can't keep",
    { datagrams: {}, window: 2000 },
    (network) =>
      Effect.gen(function* () {
        const { far, near } = yield* between(network)
        yield* network.clog("a", "b")
        yield* near.send(frame(77))
        yield* Effect.sleep("1 second")
        yield* network.heal
        yield* Effect.forEach(upTo(50), (at) => near.send(frame(at)))
        yield* Effect.sleep("1 second")
        const numbers: Array<number> = []
        yield* Effect.forkChild(arrived(far, numbers))
        yield* Effect.sleep("1 second")
        yield* check(numbers.join() === upTo(8).join(), `${numbers.join()} arrived`)
      })
  )
})

describe("I17 the same seed", () => {
  /** Everything happens: clients talk to servers while the network fails; the log says what, when and in which order. */
  const busy = (log: Array<string>) =>
    Effect.scoped(
      Effect.gen(function* () {
        const network = yield* Network.make({ latency: { min: 0, max: 5 }, breaks: 0.01, detection: 30 })
        const note = (what: string) => Effect.map(Clock.currentTimeMillis, (now) => void log.push(`${now} ${what}`))
        for (const to of ["x", "y"]) yield* network.transport("", to).listen(echo)
        const clients = ["a", "b", "c"].flatMap((from) => ["x", "y"].map((to) => [from, to] as const))
        const talking = yield* Effect.forkChild(
          Effect.forEach(
            clients,
            ([from, to]) =>
              Effect.gen(function* () {
                for (let at = 0; at < 12; at++) {
                  const talk = Effect.gen(function* () {
                    const wire = yield* network.transport(from, to).connect
                    yield* wire.send(frame(at))
                    yield* wire.receive
                  })
                  const result = yield* Effect.result(Effect.timeoutOption(Effect.scoped(talk), 50))
                  yield* note(
                    `${from}${to}${at} ${result._tag === "Success" ? result.success._tag : result.failure.message}`
                  )
                }
              }),
            { concurrency: "unbounded" }
          )
        )
        yield* Effect.sleep(20)
        yield* network.swizzle(100)
        yield* network.freeze("x")
        yield* Effect.sleep(20)
        yield* network.thaw("x")
        yield* network.crash("y")
        yield* Fiber.join(talking)
      })
    )

  const logOf = (seed: number) =>
    Effect.gen(function* () {
      const logs: Array<ReadonlyArray<string>> = []
      const program = Effect.suspend(() => {
        const log: Array<string> = []
        logs.push(log)
        return busy(log)
      })
      yield* Explore.check(program, { schedules: 1, seed, maxSteps: 100_000 })
      return logs
    })

  it.live("has the same happen at the same times in the same order, and another seed does not", () =>
    Effect.gen(function* () {
      const seen = new Set<string>()
      for (let seed = 0; seed < 20; seed++) {
        // The explorer repeats its first run; and so do we.
        const logs = [...(yield* logOf(seed)), ...(yield* logOf(seed))]
        assert.isAtLeast(logs.length, 3)
        for (const log of logs) assert.deepStrictEqual(log, logs[0])
        assert.lengthOf(logs[0]!, 72)
        seen.add(logs[0]!.join("\n"))
      }
      assert.strictEqual(seen.size, 20)
    })
  )
})

describe("a protocol of requests over wires that break", () => {
  /**
   * A client adds to a counter at a server: it sends its request again over a new wire whenever it can't know whether the
   * last one has arrived. The server has to remember what it did already.
   */
  const requests = 3
  const adding = (remembers: boolean) =>
    Effect.scoped(
      Effect.gen(function* () {
        const network = yield* Network.make({ latency: { min: 0, max: 5 }, breaks: 0.02 })
        const transport = network.transport("client", "server")
        const done = new Map<number, number>()
        let counter = 0
        const add = (request: number): number => {
          const known = remembers ? done.get(request) : undefined
          if (known !== undefined) return known
          done.set(request, ++counter)
          return counter
        }
        yield* transport.listen((wire) =>
          Effect.ignore(
            Effect.forever(
              Effect.flatMap(wire.receive, (frames) =>
                Effect.forEach(frames, ([request]) => wire.send(Uint8Array.of(request!, add(request!))))
              )
            )
          )
        )
        const answered: Array<number> = []
        for (let request = 1; request <= requests; request++) {
          const attempt = Effect.scoped(
            Effect.gen(function* () {
              const wire = yield* transport.connect
              yield* wire.send(Uint8Array.of(request))
              return (yield* wire.receive)[0][1]!
            })
          )
          answered.push(yield* Effect.eventually(attempt))
        }
        yield* check(counter === requests, `${requests} requests have counted ${counter}`)
        yield* check(answered.join() === "1,2,3", `they were answered ${answered.join()}`)
      })
    )

  it.live(
    "I17 a server that does not know a request again is found within 1,000 seeds, and by the same one again",
    () =>
      Effect.gen(function* () {
        const search = Effect.flip(Explore.check(adding(false), { schedules: 1000 }))
        const found = yield* search
        assert.instanceOf(found, Explore.ExplorationFailed)
        assert.strictEqual(found.verdict, "Failure")
        assert.match(found.message, /3 requests have counted [4-9]/)
        const again = yield* search
        assert.instanceOf(again, Explore.ExplorationFailed)
        assert.strictEqual(again.replay, found.replay)
        assert.strictEqual(again.trace, found.trace)
        const replayed = yield* Effect.flip(Explore.check(adding(false), { strategy: { replay: found.replay } }))
        assert.match(replayed.message, /3 requests have counted [4-9]/)
      })
  )

  it.explore("one that does is right in 1,000", adding(true), { schedules: 1000 })
})
