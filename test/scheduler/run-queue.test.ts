import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Fiber, Scheduler } from "effect"
import * as net from "node:net"
import { RunQueue } from "troupe"

const on = (queue: RunQueue.RunQueue) => Effect.provideService(Scheduler.Scheduler, queue)
const spin = Effect.forever(Effect.yieldNow)

describe("RunQueue", () => {
  it.live("runs tasks of one priority in order, and lower numbers first", () =>
    Effect.callback<void>((resume) => {
      const queue = RunQueue.make()
      const order: Array<string> = []
      for (const [name, priority] of [
        ["b1", 1],
        ["a1", 0],
        ["c", 5],
        ["a2", 0],
        ["b2", 1],
        ["first", -1]
      ] as const) {
        queue.scheduleTask(() => order.push(name), priority)
      }
      assert.strictEqual(queue.length, 6)
      queue.scheduleTask(() => {
        assert.deepStrictEqual(order, ["first", "a1", "a2", "b1", "b2", "c"])
        assert.strictEqual(queue.length, 0)
        resume(Effect.void)
      }, 9)
    })
  )

  it.live("runs what is scheduled while it runs in the same turn, behind what was there", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const say = (name: string) =>
        Effect.gen(function* () {
          for (let i = 0; i < 3; i++) {
            order.push(`${name}${i}`)
            yield* Effect.yieldNow
          }
        })
      yield* Effect.all([say("a"), say("b")], { concurrency: "unbounded" }).pipe(on(RunQueue.make()))
      assert.deepStrictEqual(order, ["a0", "b0", "a1", "b1", "a2", "b2"])
    })
  )

  it.live("a task that throws stops neither the queue nor its neighbours", () =>
    Effect.callback<void>((resume) => {
      const thrown: Array<unknown> = []
      const listeners = process.listeners("uncaughtException")
      process.removeAllListeners("uncaughtException")
      process.once("uncaughtException", (error) => thrown.push(error))
      const [queue, other] = [RunQueue.make(), RunQueue.make()]
      const done: Array<string> = []
      const finish = (name: string) => {
        done.push(name)
        if (done.length < 2) return
        for (const listener of listeners) process.on("uncaughtException", listener)
        assert.deepStrictEqual(done.toSorted(), ["neighbour", "next"])
        assert.strictEqual(String(thrown), "Error: thrown by a task")
        resume(Effect.void)
      }
      queue.scheduleTask(() => {
        throw new Error("thrown by a task")
      }, 0)
      queue.scheduleTask(() => finish("next"), 0)
      other.scheduleTask(() => finish("neighbour"), 0)
    })
  )

  it.live("a spinning fiber starves neither a timer nor a socket: both are served within twice the slice", () =>
    Effect.gen(function* () {
      const slice = 20
      const queue = RunQueue.make({ timeSlice: slice })
      const spinning = yield* Effect.forkDetach(spin).pipe(on(queue))
      const delays = yield* Effect.callback<Array<number>>((resume) => {
        const server = net.createServer((socket) => socket.pipe(socket))
        server.listen(0, "127.0.0.1", () => {
          const client = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1", () => {
            // What counts is how many slices pass until it is served, not how fast the machine is: each turn the queue
            // gives back the event loop at least once a slice, and an echo takes four turns of it.
            const measured: Array<number> = []
            const round = () => {
              const due = performance.now() + 1
              setTimeout(() => {
                measured.push(performance.now() - due)
                if (measured.length < 20) return round()
                const sent = performance.now()
                client.once("data", () => {
                  measured.push((performance.now() - sent) / 4)
                  client.destroy()
                  server.close()
                  resume(Effect.succeed(measured))
                })
                client.write("x")
              }, 1)
            }
            round()
          })
        })
      })
      yield* Fiber.interrupt(spinning)
      const median = delays.slice(0, 20).toSorted((a, b) => a - b)[10] ?? Infinity
      assert.isBelow(median, 2 * slice)
      assert.isBelow(delays[20] ?? Infinity, 2 * slice)
    })
  )

  // Time is what the tasks say it is: each of the flooded queue takes one millisecond of it.
  it.live(
    "W32 a flooded queue delays another by no more than its time slice, and never keeps the event loop for longer",
    () =>
      Effect.gen(function* () {
        let now = 0
        const clock = vi.spyOn(performance, "now").mockImplementation(() => now)
        const [flooded, calm] = [RunQueue.make({ timeSlice: 10 }), RunQueue.make({ timeSlice: 10 })]
        let flooding = true
        const flood = () => {
          now++
          if (flooding) flooded.scheduleTask(flood, 0)
        }
        for (let i = 0; i < 1000; i++) flooded.scheduleTask(flood, 0)
        const delays = yield* Effect.callback<{ calm: Array<number>; loop: Array<number> }>((resume) => {
          const seen = { calm: [] as Array<number>, loop: [] as Array<number> }
          const round = (turned: number) => {
            seen.loop.push(now - turned)
            if (seen.loop.length === 50) return resume(Effect.succeed(seen))
            const scheduled = now
            calm.scheduleTask(() => seen.calm.push(now - scheduled), 0)
            setImmediate(round, now)
          }
          setImmediate(round, now)
        })
        flooding = false
        clock.mockRestore()
        assert.isAtLeast(delays.calm.length, 48)
        assert.isAtMost(Math.max(...delays.calm), 10)
        assert.isAtMost(Math.max(...delays.loop.slice(1)), 10)
        assert.isAbove(Math.max(...delays.loop), 0)
      })
  )

  it.live("a loop that never yields by itself is made to yield by its budget of operations", () =>
    Effect.gen(function* () {
      const queue = RunQueue.make()
      const spinning = yield* Effect.forkDetach(Effect.forever(Effect.sync(() => {}))).pipe(on(queue))
      yield* Effect.sleep("5 millis")
      yield* Fiber.interrupt(spinning)
    })
  )
})
