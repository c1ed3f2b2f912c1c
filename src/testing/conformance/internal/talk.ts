/**
 * A protocol and both of its sides, for cases about connections: a case has its own handlers for what it is about.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Rpc } from "effect/rpc"
import type { Selectable } from "../../../channel/Selectable.ts"
import * as Acceptor from "../../../net/Acceptor.ts"
import * as Authentication from "../../../net/Authentication.ts"
import * as Connection from "../../../net/Connection.ts"
import * as Protocol from "../../../net/Protocol.ts"
import type { Strategy } from "../../../net/Strategy.ts"
import { type Transport, TypeId, type Wire } from "../../../net/Transport.ts"
import { broken, eventually, expect, type Found, soon } from "./keeping.ts"

/** A failure with something in it. */
export const Reason = Schema.Struct({ code: Schema.Int, words: Schema.String })

const server = [
  Rpc.make("echo", { payload: Schema.String, success: Schema.String }),
  Rpc.make("ask", { payload: Schema.Int, success: Schema.Int, error: Reason }),
  Rpc.make("nothing"),
  Rpc.make("note", { payload: Schema.Int }),
  Rpc.make("bytes", { payload: Schema.Uint8Array, success: Schema.Uint8Array }),
  Rpc.make("count", { payload: Schema.Int, success: Schema.Int, error: Reason, stream: true })
]

const client = [
  Rpc.make("called", { payload: Schema.Int, success: Schema.Int, error: Reason }),
  Rpc.make("pushed", { payload: Schema.Int }),
  Rpc.make("ticks", { payload: Schema.Int, success: Schema.Int, stream: true })
]

export const Talk = Protocol.make("troupe:conformance", { server, client })

type Server = (typeof server)[number]
type Client = (typeof client)[number]

/** The connection of a side that has connected, and the one of a side that listens. */
export type ToServer = Connection.Connection<Server>
export type ToClient = Connection.Connection<Client>

type ServerHandlers = Protocol.Handlers<Server, Client, never>
type ClientHandlers = Protocol.Handlers<Client, Server, never>

const atServer: ServerHandlers = {
  echo: (text) => Effect.succeed(text),
  ask: (n) => Effect.succeed(2 * n),
  nothing: () => Effect.void,
  note: () => Effect.void,
  bytes: (bytes) => Effect.succeed(bytes),
  count: (to) => Stream.range(1, to)
}

const atClient: ClientHandlers = {
  called: (n) => Effect.succeed(3 * n),
  pushed: () => Effect.void,
  ticks: (to) => Stream.range(1, to)
}

type Listening = Omit<Acceptor.Options<Server, Client, ServerHandlers, never>, "handlers">

/** Handlers of cases die and fail on purpose: that is none of who runs them. */
const quietly = Effect.provide(Logger.layer([]))

export const listen = (transport: Transport, handlers: Partial<ServerHandlers> = {}, options: Listening = {}) =>
  quietly(
    Acceptor.make(transport, Talk, {
      authenticator: Authentication.open,
      ...options,
      handlers: { ...atServer, ...handlers }
    })
  )

/** One that makes its link when it is used. */
export const made = (transport: Transport, handlers: Partial<ClientHandlers> = {}, options: Connection.Options = {}) =>
  quietly(Connection.make(transport, Talk, { reconnect: "never", ...options, handlers: { ...atClient, ...handlers } }))

/** One that has its link, and makes no other unless the options say so. */
export const dial = (
  target: Transport | Strategy,
  handlers: Partial<ClientHandlers> = {},
  options: Connection.Options = {}
) =>
  quietly(
    soon(
      Connection.connect(target, Talk, { reconnect: "never", ...options, handlers: { ...atClient, ...handlers } }),
      () => "connecting to an acceptor did not end"
    )
  )

/** An acceptor with one that is connected to it, and the connection as the acceptor has it. */
export const talk = Effect.fnUntraced(function* (
  transport: Transport,
  handlers: Partial<ServerHandlers> = {},
  clientHandlers: Partial<ClientHandlers> = {}
) {
  const acceptor = yield* listen(transport, handlers)
  const connection = yield* dial(acceptor.transport, clientHandlers)
  return { acceptor, connection, other: yield* otherOf(acceptor, connection) }
})

/** The same connection on the side that listens. */
export const otherOf = (acceptor: Acceptor.Acceptor<Client>, { id }: ToServer) =>
  Effect.gen(function* () {
    const others = yield* eventually(
      acceptor.connections,
      (connections) => connections.some((one) => one.id === id),
      () => "the acceptor does not have a connection that it let in"
    )
    const other = others.find((one) => one.id === id)
    return other ?? (yield* broken("the acceptor lost a connection"))
  })

/** The same transport, and the wires that were connected by it. */
export const watched = (transport: Transport) => {
  const wires: Array<Wire> = []
  const watching: Transport = {
    [TypeId]: TypeId,
    name: transport.name,
    address: transport.address,
    connect: Effect.tap(transport.connect, (wire) => Effect.sync(() => void wires.push(wire))),
    listen: (serve) => transport.listen(serve)
  }
  return { transport: watching, wires }
}

/** Where handlers wait until they are let go; each is known by a number. */
export class Gates {
  /** In the order in which they came. */
  readonly begun: Array<number> = []
  readonly interrupted: Array<number> = []
  private readonly waiting = new Map<number, Deferred.Deferred<void>>()

  /** Waits until it is let go. */
  readonly pass = (n: number): Effect.Effect<number> =>
    Effect.suspend(() => {
      const gate = this.waiting.get(n) ?? Deferred.makeUnsafe<void>()
      this.waiting.set(n, gate)
      this.begun.push(n)
      return Effect.as(
        Effect.onInterrupt(Deferred.await(gate), () => Effect.sync(() => void this.interrupted.push(n))),
        n
      )
    })

  open(n: number): void {
    const gate = this.waiting.get(n) ?? Deferred.makeUnsafe<void>()
    this.waiting.set(n, gate)
    Deferred.doneUnsafe(gate, Exit.void)
  }

  /** Waits until so many wait here, or have waited. */
  readonly until = (count: number) =>
    eventually(
      Effect.sync(() => this.begun.length),
      (begun) => begun >= count,
      (begun) => `of ${count} handlers that were due ${begun} began`
    )

  /** Waits until so many were interrupted. */
  readonly untilInterrupted = (count: number) =>
    eventually(
      Effect.sync(() => this.interrupted.length),
      (interrupted) => interrupted >= count,
      (interrupted) => `of ${count} handlers that nobody waits for any more ${interrupted} were interrupted`
    )
}

const shown = (value: unknown): string =>
  typeof value === "object" && value !== null && "message" in value && typeof value.message === "string"
    ? value.message
    : JSON.stringify(value, (_, part: unknown) => (part === undefined ? "undefined" : part))

/** Waits for it, and has it be equal to what is due, as JSON shows it. */
export const answers = <A, E, R>(effect: Effect.Effect<A, E, R>, due: A, what: string) =>
  Effect.gen(function* () {
    const value = yield* soon(effect, () => `${what} did not end`)
    yield* expect(shown(value) === shown(due), () => `${what} answered ${shown(value)} where ${shown(due)} was due`)
  })

/** What an error is called. */
export const tagOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : String(error)

/** Waits for it, and has it fail with an error of this tag. */
export const failsWith = <A, E, R, const Tag extends string>(
  effect: Effect.Effect<A, E, R>,
  tag: Tag,
  what: string
): Effect.Effect<Extract<E, { readonly _tag: Tag }>, Found | E, R> =>
  Effect.gen(function* () {
    const result = yield* soon(Effect.result(effect), () => `${what} did not end`)
    if (result._tag === "Success") return yield* broken(`${what} succeeded with ${shown(result.success)}`)
    const { failure } = result
    const found = tagOf(failure)
    yield* expect(found === tag, () => `${what} failed with ${found} where ${tag} was due: ${shown(failure)}`)
    return failure as Extract<E, { readonly _tag: Tag }>
  })

/** In a scope of its own, and what closes it. */
export const within = <A, E, R>(effect: Effect.Effect<A, E, R | Scope.Scope>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const value = yield* Scope.provide(effect, scope)
    return { value, close: Scope.close(scope, Exit.void) }
  })

/** What has happened at an acceptor. */
export const happened = (events: Selectable<{ readonly _tag: string }>): ReadonlyArray<string> => {
  const tags: Array<string> = []
  for (let event = events.pollUnsafe(); event !== undefined; event = events.pollUnsafe()) {
    if (Exit.isSuccess(event)) tags.push(event.value._tag)
  }
  return tags
}

/** The numbers from 0 up to and without `count`. */
export const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, at) => at)

/** These values and no others, in this order. */
export const sameValues = <A>(due: ReadonlyArray<A>, found: ReadonlyArray<A>, what: string) =>
  Effect.suspend(() => {
    for (let at = 0; at < Math.max(due.length, found.length); at++) {
      if (due[at] === found[at]) continue
      return broken(
        `of ${due.length} ${what} number ${at} is ${String(found[at])} where ${String(due[at])} was due, and there are ${found.length}`
      )
    }
    return Effect.void
  })
