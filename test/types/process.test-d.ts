import { describe, expectTypeOf, it } from "@effect/vitest"
import type { Layer } from "effect"
import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import type { Inbox, Pid, ProcessError, ProcessEvent, ProcessHost } from "troupe"
import { Group, Message, Process, Registry, Select } from "troupe"

const Echo = Rpc.make("echo", { payload: { data: Schema.String, n: Schema.Finite } })
const Ask = Rpc.make("ask", { payload: Schema.Finite, success: Schema.String, error: Schema.Boolean })
const Stop = Rpc.make("stop")

const Relay = Process.make("app:relay", { protocol: [Echo, Ask, Stop] })
const Worker = Process.make("app:worker", { args: Schema.Struct({ n: Schema.Finite }), success: Schema.Int })

declare const relay: Pid.Pid<typeof Echo | typeof Ask | typeof Stop>
declare const stoppable: Pid.Pid<typeof Stop>

describe("Process types", () => {
  it("a wrong topic or payload in send does not compile", () => {
    expectTypeOf(Process.send(relay, "echo", { data: "x", n: 1 })).toEqualTypeOf<
      Effect.Effect<void, ProcessError.SendError, ProcessHost.ProcessHost>
    >()
    // @ts-expect-error no such topic
    Process.send(relay, "nope")
    // @ts-expect-error a wrong payload
    Process.send(relay, "echo", { data: 1, n: 1 })
    // @ts-expect-error a payload is missing
    Process.send(relay, "echo")
    // @ts-expect-error this topic has none
    Process.send(relay, "stop", 1)
    Process.send(relay, "stop")
  })

  it("a call is typed by the success and error of its topic", () => {
    expectTypeOf(Process.call(relay, "ask", 1)).toEqualTypeOf<
      Effect.Effect<string, ProcessError.CallError | boolean, ProcessHost.ProcessHost>
    >()
    // @ts-expect-error a wrong payload
    Process.call(relay, "ask", "1")
    Process.call(relay, "ask", 1, { timeout: "1 second" })
  })

  it("a pid that takes more messages may stand where fewer are asked, not the reverse", () => {
    expectTypeOf(relay).toExtend<Pid.Pid<typeof Stop>>()
    expectTypeOf(relay).toExtend<Pid.Pid>()
    expectTypeOf(stoppable).not.toExtend<Pid.Pid<typeof Stop | typeof Echo>>()
    expectTypeOf<Pid.Pid>().not.toExtend<Pid.Pid<typeof Stop>>()
  })

  it("W4 a protocol can't have a topic that begins with @", () => {
    // @ts-expect-error reserved
    Process.make("app:bad", { protocol: [Rpc.make("@cancel")] })
    // @ts-expect-error reserved, beside one that is not
    Process.make("app:bad", { protocol: [Stop, Rpc.make("@cancel")] })
  })

  it("a program that spawns a process needs its implementation", () => {
    const program = Process.spawn(Worker, { n: 1 })
    expectTypeOf(program).toEqualTypeOf<
      Effect.Effect<
        Pid.Pid<never>,
        ProcessError.SpawnError,
        Process.Implementation<"app:worker"> | ProcessHost.ProcessHost
      >
    >()
    const WorkerLive = Worker.toLayer(({ n }) => Effect.succeed(n))
    expectTypeOf(WorkerLive).toEqualTypeOf<Layer.Layer<Process.Implementation<"app:worker">>>()
    expectTypeOf(Effect.provide(program, WorkerLive)).toEqualTypeOf<
      Effect.Effect<Pid.Pid<never>, ProcessError.SpawnError, ProcessHost.ProcessHost>
    >()
    // @ts-expect-error wrong arguments
    Process.spawn(Worker, { n: "1" })
    // @ts-expect-error arguments are missing
    Process.spawn(Worker)
    Process.spawn(Relay)
  })

  it("a message that is given along is typed, and adds the errors of send", () => {
    const spawned = Process.spawn(Relay, undefined, { name: "relay", message: { topic: "ask", payload: 1 } })
    expectTypeOf<Effect.Error<typeof spawned>>().toEqualTypeOf<ProcessError.SpawnError | ProcessError.SendError>()
    Process.spawn(Relay, undefined, { message: { topic: "stop" } })
    // @ts-expect-error a payload is missing
    Process.spawn(Relay, undefined, { message: { topic: "ask" } })
    // @ts-expect-error a wrong payload
    Process.spawn(Relay, undefined, { message: { topic: "ask", payload: "1" } })
  })

  it("the body is typed by arguments and success, and its layer needs what it requires beyond a process", () => {
    // @ts-expect-error a wrong result
    Worker.toLayer(() => Effect.succeed("no number"))
    Worker.toLayer(
      Effect.fn(function* (args) {
        expectTypeOf(args).toEqualTypeOf<{ readonly n: number }>()
        return yield* Effect.succeed(args.n)
      })
    )
    const RelayLive = Relay.toLayer(
      Effect.fn(function* () {
        yield* Registry.register("relay")
        yield* Effect.addFinalizer(() => Effect.void)
        const monitor = yield* Process.spawnMonitored(Worker, { n: 1 })
        expectTypeOf(monitor).toEqualTypeOf<ProcessEvent.Monitor<never>>()
      })
    )
    expectTypeOf(RelayLive).toEqualTypeOf<
      Layer.Layer<Process.Implementation<"app:relay">, never, Process.Implementation<"app:worker">>
    >()
  })

  it("receive and select yield unions that topic and _tag narrow", () => {
    Relay.toLayer(
      Effect.fn(function* () {
        const any = yield* Relay.receive()
        expectTypeOf(any.topic).toEqualTypeOf<"echo" | "ask" | "stop">()
        if (any.topic === "ask") expectTypeOf(any.payload).toEqualTypeOf<number>()
        const echo = yield* Relay.receive("echo")
        expectTypeOf(echo).toEqualTypeOf<Message.Of<typeof Echo>>()
        // @ts-expect-error no such topic
        yield* Relay.receive("nope")
        const heard = yield* Relay.listen("stop")
        expectTypeOf(heard).toEqualTypeOf<Inbox.Inbox<Message.Of<typeof Stop>>>()

        const next = yield* Select.any({ message: yield* Relay.inbox, event: yield* Relay.events })
        if (next._tag === "event") expectTypeOf(next.value).toEqualTypeOf<ProcessEvent.ProcessEvent>()
        else expectTypeOf(next.value.topic).toEqualTypeOf<"echo" | "ask" | "stop">()

        yield* Message.reply(yield* Relay.receive("ask"), "answer")
        // @ts-expect-error the success is a string
        yield* Message.reply(yield* Relay.receive("ask"), 1)
      })
    )
  })

  it("what belongs to a process can't be used outside of one", () => {
    // @ts-expect-error no process runs here
    Effect.runPromise(Relay.self)
    // @ts-expect-error no process runs here
    Effect.runPromise(Process.self)
    const Other = Process.make("app:other")
    // The body of one process can't read the inbox of another.
    expectTypeOf(Other.toLayer(() => Relay.receive())).toEqualTypeOf<
      Layer.Layer<Process.Implementation<"app:other">, never, Process.Running<"app:relay">>
    >()
  })

  it("names and groups carry the messages of their processes", () => {
    Process.send(Relay.named("relay"), "echo", { data: "x", n: 1 })
    // @ts-expect-error no such topic
    Process.send(Relay.named("relay"), "nope")
    const room = Group.make("room", [Stop])
    Group.join(room, relay)
    Group.broadcast(room, "stop")
    // @ts-expect-error the group takes no such topic
    Group.broadcast(room, "echo", { data: "x", n: 1 })
    const talkers = Group.make("talkers", [Echo])
    // @ts-expect-error a member must take the group's messages
    Group.join(talkers, stoppable)
  })
})
