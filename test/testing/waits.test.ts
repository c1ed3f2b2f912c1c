import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Latch, PubSub, Queue, Semaphore, Tracer } from "effect"
import { Rpc } from "effect/rpc"
import { Channel, Process, ProcessHost, Select, Selectable } from "troupe"
import { Explore } from "troupe/testing"

const found = <A, E>(program: Effect.Effect<A, E>, options?: Explore.Options) =>
  Effect.flatMap(Effect.flip(Explore.check(program, options)), (error) =>
    error._tag === "ExplorationFailed" ? Effect.succeed(error) : Effect.die(error)
  )

const stuck = (name: string, program: Effect.Effect<unknown, unknown>, lines: ReadonlyArray<string>) =>
  it.live(name, () =>
    Effect.gen(function* () {
      const { detail, trace, verdict } = yield* found(program, { schedules: 50 })
      assert.strictEqual(verdict, "Deadlock", detail)
      assert.deepStrictEqual(
        detail.split("\n").slice(1),
        lines.map((line) => `  ${line}`)
      )
      // Nobody is named otherwise when the fault is found again.
      const again = yield* found(program, { schedules: 50 })
      assert.strictEqual(again.detail, detail)
      assert.strictEqual(again.trace, trace)
    })
  )

describe("what a fiber waits on, in a program of Effect", () => {
  stuck(
    "a queue, to take from it and to offer to it",
    Effect.gen(function* () {
      const orders = yield* Queue.bounded<number>(1)
      const bills = yield* Queue.unbounded<number>().pipe(Explore.named("bills"))
      const consumer = Effect.fn("consumer")(() => Queue.take(bills))
      yield* Effect.forkChild(consumer())
      yield* Queue.offer(orders, 1)
      yield* Queue.offer(orders, 2)
    }),
    [
      "#1 main waits to offer to Queue 1 since step 1",
      '#2 consumer waits to take from Queue "bills" since step 2 in consumer'
    ]
  )

  stuck(
    "the end of a queue",
    Effect.flatMap(Queue.unbounded<number>(), (queue) => Queue.await(queue)),
    ["#1 main waits for the end of Queue 1 since step 1"]
  )

  stuck(
    "a subscription",
    Effect.scoped(
      Effect.gen(function* () {
        const news = yield* PubSub.unbounded<string>()
        yield* PubSub.take(yield* PubSub.subscribe(news))
      })
    ),
    ["#1 main waits to take from Subscription 1 since step 1"]
  )

  stuck(
    "a deferred, which is said to be made where it was",
    Effect.gen(function* () {
      const make = Effect.fn("setup")(function* () {
        return [yield* Deferred.make<void>(), yield* Deferred.make<void>()] as const
      })
      const [first, second] = yield* make()
      yield* Deferred.succeed(first, undefined)
      yield* Deferred.await(second)
    }),
    ["#1 setup waits on Deferred 2 (made in setup) since step 1"]
  )

  stuck(
    "a latch",
    Effect.gen(function* () {
      const gate = yield* Explore.named(Latch.make(), "gate")
      yield* gate.await
    }),
    ['#1 main waits on Latch "gate" since step 1']
  )

  stuck(
    "a semaphore that it has taken itself",
    Effect.gen(function* () {
      const lock = yield* Semaphore.make(1)
      yield* Semaphore.withPermit(lock, Semaphore.withPermit(lock, Effect.void))
    }),
    ["#1 main waits on Semaphore 1 (held by itself) since step 1"]
  )

  stuck(
    "a semaphore of several permits, of which some were given back",
    Effect.gen(function* () {
      const pool = yield* Semaphore.make(3).pipe(Explore.named("pool"))
      const holder = yield* Effect.forkChild(Effect.andThen(Semaphore.take(pool, 2), Effect.never))
      yield* Effect.yieldNow
      yield* Semaphore.withPermit(pool, Effect.void)
      // What the holder took is given back in part.
      yield* Semaphore.release(pool, 1)
      yield* Semaphore.take(pool, 3)
      yield* Fiber.join(holder)
    }),
    ['#1 main waits on Semaphore "pool" (held by #2) since step 3', "#2 waits for ever since step 2"]
  )

  it.live("locks taken in two orders: who waits on which, and who holds it", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const left = yield* Semaphore.make(1).pipe(Explore.named("left"))
        const right = yield* Semaphore.make(1).pipe(Explore.named("right"))
        const transfer = Effect.fn("transfer")((from: Semaphore.Semaphore, to: Semaphore.Semaphore) =>
          Semaphore.withPermit(from, Semaphore.withPermit(to, Effect.void))
        )
        yield* Effect.all([transfer(left, right), transfer(right, left)], { concurrency: "unbounded" })
      })
      for (const strategy of ["random", "uniform", { pct: 3 }, { exhaustive: { preemptions: 2 } }] as const) {
        const { detail } = yield* found(program, { strategy })
        assert.match(detail, /#1 main waits for #2 transfer, #3 transfer since step 1/)
        assert.match(
          detail,
          /#2 transfer waits on Semaphore "right" \(held by #3 transfer\) since step \d+ in transfer/
        )
        assert.match(detail, /#3 transfer waits on Semaphore "left" \(held by #2 transfer\) since step \d+ in transfer/)
      }
    })
  )

  stuck(
    "another fiber, before that has begun, and itself",
    Effect.gen(function* () {
      const own = yield* Deferred.make<Fiber.Fiber<unknown>>()
      const worker = yield* Effect.forkChild(Effect.flatMap(Deferred.await(own), Fiber.await)).pipe(
        Explore.named("worker")
      )
      yield* Deferred.succeed(own, worker)
      yield* Fiber.join(worker)
    }),
    ['#1 main waits for #2 "worker" since step 1', '#2 "worker" waits for itself since step 2']
  )

  stuck("all in a race", Effect.raceAll([Effect.never, Effect.never]), [
    "#1 main waits for #2, #3 since step 1",
    "#2 waits for ever since step 1",
    "#3 waits for ever since step 1"
  ])

  stuck(
    "the others in a race of which one has thrown",
    Effect.raceAll([Effect.sync(() => decodeURI("%")), Effect.never]),
    ["#1 main waits for #3 since step 1", "#3 waits for ever since step 1"]
  )

  stuck(
    "what it waits on now, and not what it waited on before",
    Effect.gen(function* () {
      const queue = yield* Queue.unbounded<number>()
      const never = yield* Deferred.make<void>()
      yield* Effect.forkChild(Queue.offer(queue, 1))
      yield* Queue.take(queue)
      yield* Effect.sleep("1 second")
      yield* Effect.timeoutOption(Queue.take(queue), "1 second")
      yield* Deferred.await(never)
    }),
    ["#1 main waits on Deferred 1 since step 5"]
  )

  stuck(
    "what was made out of sight, if it is named",
    Effect.gen(function* () {
      const shown = yield* Effect.suspend(() => Effect.succeed(Deferred.makeUnsafe<void>())).pipe(
        Explore.named("reply")
      )
      yield* Effect.forkChild(Effect.suspend(() => Deferred.await(Deferred.makeUnsafe<void>())))
      yield* Deferred.await(shown)
    }),
    ['#1 main waits on Deferred "reply" since step 1', "#2 waits since step 2"]
  )

  it.live("a sleep, in a run that has no end", () =>
    Effect.gen(function* () {
      const program = Effect.andThen(Effect.forkChild(Effect.sleep("1 hour")), Effect.forever(Effect.yieldNow))
      const { detail } = yield* found(program, { maxSteps: 100 })
      assert.include(detail, "#2 waits until 3600000 ms by the clock since step ")
    })
  )

  it.live("the last of thousands of objects", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const first = yield* Deferred.make<void>().pipe(Explore.named("first"))
        for (let i = 0; i < 3000; i++) yield* Deferred.make<void>()
        const last = yield* Deferred.make<void>()
        yield* Effect.forkChild(Deferred.await(last))
        yield* Deferred.await(first)
      })
      const { detail } = yield* found(program, { schedules: 1 })
      assert.match(detail, /#1 main waits on Deferred "first" since step \d+\n {2}#2 waits on Deferred 3002 since/)
    })
  )

  it.live("the trace says it of each step", () =>
    Effect.gen(function* () {
      const queue = Effect.flatMap(Queue.unbounded<number>(), (queue) => Queue.take(queue))
      const { trace } = yield* found(queue)
      assert.match(trace, /#1 main: begins, \d+ operations, waits to take from Queue 1/)
    })
  )
})

describe("what a fiber waits on, in a program of Troupe", () => {
  stuck(
    "a channel",
    Effect.gen(function* () {
      const jobs = yield* Channel.rendezvous<number>()
      const done = yield* Channel.rendezvous<number>().pipe(Explore.named("done"))
      yield* Effect.forkChild(Channel.send(jobs, 1))
      yield* Channel.receive(done)
    }),
    ['#1 main waits to receive from Channel "done" since step 1', "#2 waits to send to Channel 1 since step 2"]
  )

  stuck(
    "a select",
    Effect.gen(function* () {
      const jobs = yield* Channel.rendezvous<number>().pipe(Explore.named("jobs"))
      const done = yield* Channel.rendezvous<number>().pipe(Explore.named("done"))
      yield* Select.priority({ jobs, done, sent: Select.send(done, 1) })
    }),
    ['#1 main waits to receive from Channel "jobs", Channel "done", to send to Channel "done" since step 1']
  )

  const Server = Process.make("app:server", { protocol: [Rpc.make("ask")], inbox: { capacity: 1 } })
  const processes = (
    body: Effect.Effect<unknown, never, Process.CurrentProcess | Effect.Services<typeof Server.inbox>>,
    program: (pid: Effect.Success<typeof spawned>) => Effect.Effect<unknown, unknown, ProcessHost.ProcessHost>
  ) =>
    Effect.provide(Effect.flatMap(spawned, program), [
      Server.toLayer(Effect.fn("serve")(() => body)),
      ProcessHost.layer("app:processes")
    ])
  const spawned = Process.spawn(Server)

  stuck(
    "an inbox, and the end of a process",
    processes(Effect.andThen(Effect.flatMap(Server.inbox, Selectable.take), Effect.never), (pid) => Process.await(pid)),
    [
      "#1 main waits for the end of process {app:processes|0x00001} (app:server) since step 1",
      "#4 serve waits to receive from the inbox of {app:processes|0x00001} since step 2 in serve"
    ]
  )

  stuck(
    "the answer of a process, and the events of one",
    processes(Effect.flatMap(Process.events, Selectable.take), (pid) =>
      Process.call(pid, "ask", undefined, { timeout: "Infinity" })
    ),
    [
      '#1 main waits for the answer of {app:processes|0x00001} to "ask" since step 1',
      "#4 serve waits to receive from the events of {app:processes|0x00001} since step 2 in serve"
    ]
  )

  stuck(
    "room in an inbox",
    processes(Effect.never, (pid) => Effect.andThen(Process.send(pid, "ask"), Process.send(pid, "ask"))),
    [
      "#1 main waits to send to the inbox of {app:processes|0x00001} since step 1",
      "#4 serve waits for ever since step 2 in serve"
    ]
  )
})

describe("a program with a tracer of its own", () => {
  const traced = (spans: Array<string>, entered: Array<string>): Tracer.Tracer =>
    Tracer.make({
      span: (options) => {
        spans.push(options.name)
        return Tracer.nativeTracer.span(options)
      },
      context: (primitive, fiber) => {
        entered.push("enter")
        const next = primitive["~effect/Effect/evaluate"](fiber)
        entered.push("leave")
        return next
      }
    })

  for (const place of ["inside", "outside"]) {
    it.live(`keeps it, and is seen all the same: ${place}`, () =>
      Effect.gen(function* () {
        const [spans, entered] = [new Array<string>(), new Array<string>()]
        const tracer = traced(spans, entered)
        const program = Effect.gen(function* () {
          const never = yield* Deferred.make<void>()
          const current = yield* Effect.tracer
          assert.strictEqual(Object.getPrototypeOf(current), tracer)
          yield* Effect.withSpan(Deferred.await(never), "waiting")
        })
        const check =
          place === "inside" ? found(Effect.withTracer(program, tracer)) : Effect.withTracer(found(program), tracer)
        const { detail } = yield* check
        assert.include(detail, "#1 waiting waits on Deferred 1 since step 1 in waiting")
        assert.include(spans, "waiting")
        assert.isAbove(entered.length, 0)
        assert.strictEqual(entered.filter((word) => word === "enter").length * 2, entered.length)
      })
    )
  }

  it.live("sees none of the explorer's in a program without", () =>
    Explore.check(
      Effect.gen(function* () {
        const span = yield* Effect.makeSpan("one")
        assert.isTrue(span instanceof Tracer.NativeSpan)
        const defect = yield* Effect.exit(
          Effect.sync(() => {
            throw new Error("thrown in a step")
          })
        )
        assert.strictEqual(defect._tag, "Failure")
      })
    )
  )
})
