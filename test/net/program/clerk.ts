/**
 * A process that other nodes talk to, for tests of nodes; run as a program, it is a node that listens on the socket of its
 * argument, says so, and works until it is ended.
 */
import { Effect, Layer, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Message, Pid, Process, ProcessHost } from "troupe"
import { Authentication, Node } from "troupe/net"
import * as Unix from "troupe/net/unix"

export class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}

export const News = Rpc.make("news", { payload: { text: Schema.String, at: Schema.Date } })
export const Length = Rpc.make("length", { payload: Schema.String, success: Schema.Int, error: Refused })
export const Subscribe = Rpc.make("subscribe", { payload: Pid.of(News) })
export const Me = Rpc.make("me", { success: Pid.of(Length) })
export const Ask = Rpc.make("ask", { payload: Pid.of(Length), success: Schema.String })
export const Anything = Rpc.make("anything", { payload: { value: Schema.Any }, success: Schema.Any })

/** Tells news to whoever subscribes, answers calls, and asks others. */
export const Clerk = Process.make("test:clerk", { protocol: [Length, Subscribe, Me, Ask, Anything] })
export const ClerkLive = Clerk.toLayer(() =>
  Effect.forever(
    Effect.gen(function* () {
      const message = yield* Clerk.receive()
      switch (message.topic) {
        case "length":
          if (message.payload === "silence") return
          if (message.payload === "refuse") return yield* Message.replyFail(message, new Refused({ why: "I won't" }))
          return yield* Message.reply(message, message.payload.length)
        case "subscribe":
          return yield* Process.send(message.payload, "news", { text: "hear, hear", at: new Date(7) })
        case "me":
          return yield* Message.reply(message, yield* Clerk.self)
        case "ask": {
          const asked = Effect.matchEffect(Process.call(message.payload, "length", "of a cycle", { timeout: 200 }), {
            onFailure: ({ _tag }) => Message.reply(message, _tag),
            onSuccess: () => Message.reply(message, "answered")
          })
          return yield* asked
        }
        case "anything":
          return yield* Message.reply(
            message,
            message.payload.value === "large" ? "x".repeat(5000) : message.payload.value
          )
      }
    })
  )
)

export const clerk = Clerk.named("clerk", { node: "server" })

if (process.argv[1] === import.meta.filename) {
  const path = process.argv[2] ?? ""
  const live = Layer.mergeAll(
    ClerkLive,
    ProcessHost.layer("app:processes"),
    Node.layer({ name: "server", listen: Unix.make({ path }), authenticator: Authentication.open })
  )
  const program = Effect.gen(function* () {
    yield* Process.spawn(Clerk, undefined, { name: "clerk" })
    console.log("listening")
    return yield* Effect.never
  })
  await Effect.runPromise(Effect.provide(program, live))
}
