/**
 * What is promised about who is let in, where, and how much of everything they may have.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Acceptor from "../../../net/Acceptor.ts"
import * as Authentication from "../../../net/Authentication.ts"
import * as Connection from "../../../net/Connection.ts"
import { InstanceId } from "../../../net/InstanceId.ts"
import { meet } from "../../../net/internal/session/handshake.ts"
import { decode } from "../../../net/internal/session/packet.ts"
import * as Protocol from "../../../net/Protocol.ts"
import type { Transport, Wire } from "../../../net/Transport.ts"
import type { Guarantee, Tested } from "./guarantee.ts"
import { broken, eventually, expect, settled, soon } from "./keeping.ts"
import { bodyOf, calling, Kind } from "./raw.ts"
import { answers, dial, failsWith, Gates, listen, numbers, Talk, talk } from "./talk.ts"

const secret = (secret: string) => Authentication.secret({ account: "ada", secret: Redacted.make(secret) })
const right = "0123456789abcdef0123456789abcdef"

/** Handlers that count whatever they are asked. */
const counting = () => {
  const seen = { handled: 0 }
  const count = Effect.sync(() => void seen.handled++)
  const handlers = {
    ask: (n: number) => Effect.as(count, n),
    note: () => count,
    nothing: () => count,
    count: () => Stream.fromEffect(Effect.as(count, 1))
  }
  return { seen, handlers }
}

/** Who is not let in, and why. */
const refusedFor = (attempt: ReturnType<typeof dial>, tag: string, what: string) =>
  Effect.gen(function* () {
    const { attempts } = yield* failsWith(Effect.scoped(attempt), "ConnectionFailed", what)
    const { error } = attempts[0]
    yield* expect(attempts.length === 1, () => `${what} made ${attempts.length} attempts`)
    yield* expect(error._tag === tag, () => `${what} failed with ${error._tag} where ${tag} was due: ${error.message}`)
    return error
  })

const secrets = Effect.fnUntraced(function* (transport: Transport) {
  const { handlers, seen } = counting()
  const acceptor = yield* listen(transport, handlers, {
    authenticator: Authentication.sharedSecret((account) =>
      Effect.succeed(account === "ada" ? Redacted.make(right) : undefined)
    )
  })
  const events = yield* acceptor.events
  const address = acceptor.transport
  const attempts = [
    ["a wrong secret", { credentials: secret("wrong") }],
    ["a missing secret", {}],
    ["an unknown account", { credentials: Authentication.secret({ account: "eve", secret: Redacted.make(right) }) }],
    ["a token in place of a secret", { credentials: Authentication.token({ token: Redacted.make(right) }) }]
  ] as const
  for (const [what, options] of attempts) yield* refusedFor(dial(address, {}, options), "AuthenticationFailed", what)
  const ada = yield* dial(address, {}, { credentials: secret(right) })
  yield* answers(ada.request("ask", 1), 1, "a request of one that was let in")
  yield* answers(
    Effect.map(ada.identity, (identity) => identity?.account),
    "ada" as string | undefined,
    "its identity"
  )
  yield* eventually(
    acceptor.stats,
    ({ accepted, refused }) => refused.unauthenticated === attempts.length && accepted === 1,
    (stats) => `${stats?.refused.unauthenticated} were counted as refused of ${attempts.length}`
  )
  yield* expect(seen.handled === 1, () => `${seen.handled} requests were handled of 1 that was allowed`)
  let refused = 0
  for (let event = events.pollUnsafe(); event !== undefined; event = events.pollUnsafe()) {
    if (Exit.isSuccess(event) && event.value._tag === "Refused") refused++
  }
  yield* expect(refused === attempts.length, () => `${refused} events told of ${attempts.length} that were refused`)
})

/** The same wire, and what is sent over it. */
const recorded = (wire: Wire) => {
  const sent: Array<Uint8Array> = []
  const recording: Wire = {
    transport: wire.transport,
    peer: wire.peer,
    maxFrame: wire.maxFrame,
    send: (frame) => Effect.tap(wire.send(frame), () => Effect.sync(() => void sent.push(frame))),
    sendAll: wire.sendAll,
    receive: wire.receive,
    closed: wire.closed,
    close: wire.close
  }
  return { recording, sent }
}

const replayed = Effect.fnUntraced(function* (transport: Transport) {
  const { handlers, seen } = counting()
  const acceptor = yield* listen(transport, handlers, {
    authenticator: Authentication.sharedSecret(Redacted.make(right))
  })
  const first = yield* soon(acceptor.transport.connect, () => "connecting did not end")
  const { recording, sent } = recorded(first)
  const caller = { protocol: Talk.name, instance: undefined, connection: "replayed", credentials: secret(right) }
  yield* soon(meet(recording, caller), () => "one with the right secret was not let in")
  // Whoever has seen it sends the same, and asks at once.
  for (const whileItLives of [true, false]) {
    if (!whileItLives) yield* soon(first.close, () => "close did not end")
    const second = yield* soon(acceptor.transport.connect, () => "connecting did not end")
    yield* soon(second.receive, () => "nobody was greeted")
    for (const frame of sent) yield* second.send(frame)
    yield* Effect.ignore(second.send(Uint8Array.of(Kind.Request, 1, 7, ...new TextEncoder().encode("nothing"), 0)))
    const [answer] = yield* soon(second.receive, () => "one that replays was not answered")
    const packet = decode(answer)
    yield* expect(
      packet?.kind === Kind.Refusal,
      () => `one that replays was answered with a packet of kind ${packet?.kind}`
    )
    if (packet !== undefined) {
      yield* expect(bodyOf(packet).includes("AuthenticationFailed"), () => `it was told ${bodyOf(packet)}`)
    }
    const { by } = yield* soon(second.closed, () => "the wire of one that replays was not closed")
    yield* expect(by === "the other side", () => `it was told that ${by} closed it`)
  }
  const { accepted, refused } = yield* acceptor.stats
  yield* expect(
    seen.handled === 0 && accepted === 1 && refused.unauthenticated === 2,
    () => `${seen.handled} requests were handled, ${accepted} let in, and ${refused.unauthenticated} refused of 2`
  )
})

const closedByDefault = Effect.fnUntraced(function* (transport: Transport) {
  const { handlers, seen } = counting()
  const acceptor = yield* Acceptor.make(transport, Talk, {
    handlers: {
      ...handlers,
      echo: Effect.succeed,
      bytes: Effect.succeed,
      count: () => Effect.die("not asked for") as never
    }
  })
  yield* refusedFor(dial(acceptor.transport), "AuthenticationFailed", "connecting to one without an authenticator")
  yield* refusedFor(
    dial(acceptor.transport, {}, { credentials: secret(right) }),
    "AuthenticationFailed",
    "connecting with a secret to one without an authenticator"
  )
  yield* expect(seen.handled === 0, () => "something was handled")
})

const impostor = Effect.fnUntraced(function* (transport: Transport) {
  // It lets everybody in, and does not know the secret.
  const { handlers, seen } = counting()
  const acceptor = yield* listen(transport, handlers, {
    authenticator: {
      methods: ["secret"],
      authenticate: () => Effect.succeed({ identity: { account: "ada" }, proof: new Uint8Array(32) })
    }
  })
  yield* refusedFor(
    dial(acceptor.transport, {}, { credentials: secret(right) }),
    "AuthenticationFailed",
    "connecting to one that does not know the secret"
  )
  yield* expect(seen.handled === 0, () => "something was sent to it")
})

const Other = Protocol.make("troupe:another", { server: [] })

const id = (instance: string) => new InstanceId({ runtime: "process", namespace: "conformance", instance })

const elsewhere = Effect.fnUntraced(function* (transport: Transport) {
  const acceptor = yield* listen(transport, {}, { instanceId: id("one") })
  const { attempts } = yield* failsWith(
    Effect.scoped(Connection.connect(acceptor.transport, Other, { instanceId: id("one") })),
    "ConnectionFailed",
    "connecting with another protocol"
  )
  const { error } = attempts[0]
  yield* expect(
    error._tag === "Refused" && error.reason === "WrongProtocol",
    () => `another protocol is ${error._tag}: ${error.message}`
  )
  for (const instanceId of [id("two"), undefined]) {
    const refused = yield* refusedFor(
      dial(acceptor.transport, {}, { instanceId, reconnect: undefined }),
      "Refused",
      `meaning ${instanceId === undefined ? "no instance" : "another instance"}`
    )
    yield* expect(
      refused._tag === "Refused" && refused.reason === "WrongInstance",
      () => `it was refused for ${refused.message}`
    )
  }
  const connection = yield* dial(acceptor.transport, {}, { instanceId: id("one") })
  yield* answers(connection.request("echo", "here"), "here", "a request of one that means this instance")
})

const apart = Effect.fnUntraced(function* (transport: Transport, { make }: Tested) {
  const each = 5000
  const instance = Effect.fnUntraced(function* (transport: Transport, name: string, first: number) {
    const got: Array<number> = []
    const acceptor = yield* listen(
      transport,
      { note: (n) => Effect.sync(() => void got.push(n)) },
      { instanceId: id(name) }
    )
    const connection = yield* dial(acceptor.transport, {}, { instanceId: id(name) })
    return { acceptor, connection, first, got }
  })
  const one = yield* instance(transport, "one", 0)
  const two = yield* instance(yield* make, "two", 1_000_000)
  const telling = Effect.forEach(
    numbers(each),
    (n) => Effect.andThen(one.connection.tell("note", n), two.connection.tell("note", two.first + n)),
    { discard: true }
  )
  yield* soon(telling, () => "telling two instances in turn did not end")
  for (const { acceptor, connection, first, got } of [one, two]) {
    yield* answers(connection.request("nothing"), undefined, "a request")
    yield* eventually(
      Effect.sync(() => got.length),
      (length) => length >= each,
      (length) => `an instance got ${length} messages of ${each}`
    )
    const foreign = got.filter((n, at) => n !== first + at)
    yield* expect(
      foreign.length === 0 && got.length === each,
      () => `of ${got.length} messages ${foreign.length} were another instance's, or not in order`
    )
    const { accepted, messagesIn } = yield* acceptor.stats
    yield* expect(
      accepted === 1 && messagesIn === each + 1,
      () => `${messagesIn} messages and ${accepted} connections were counted of ${each + 1} and 1`
    )
    const stats = yield* connection.stats
    yield* expect(stats.messagesOut === each + 1, () => `${stats.messagesOut} were counted as sent of ${each + 1}`)
  }
})

const byRoute = Effect.fnUntraced(function* (transport: Transport) {
  const { handlers, seen } = counting()
  const acceptor = yield* listen(transport, handlers, {
    authorize: (route, connection) =>
      Effect.flatMap(connection.identity, (identity) =>
        route === "ask" || route === "note" || route === "count"
          ? Effect.fail(`${identity?.account} may not ${route}`)
          : Effect.void
      )
  })
  const connection = yield* dial(acceptor.transport)
  const denied = yield* failsWith(connection.request("ask", 1), "PermissionDenied", "what is not allowed")
  yield* expect(denied.detail === "anonymous may not ask", () => `it was told "${denied.detail}"`)
  yield* connection.tell("note", 1)
  const stream = Stream.runDrain(connection.stream("count", 3))
  yield* failsWith(stream, "PermissionDenied", "a stream that is not allowed")
  yield* answers(connection.request("nothing"), undefined, "what is allowed")
  yield* eventually(
    acceptor.stats,
    ({ handled }) => handled.failed === 3,
    (stats) => `${stats?.handled.failed} refusals were counted of 3`
  )
  yield* expect(seen.handled === 1, () => `${seen.handled} were handled, and 1 was allowed`)
})

const pendingLimit = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const limit = 5
  const acceptor = yield* listen(transport, { ask: gates.pass }, { limits: { pending: limit } })
  const connection = yield* dial(acceptor.transport)
  const asking = yield* Effect.forEach(numbers(40), (n) =>
    Effect.forkChild(Effect.result(connection.request("ask", n)))
  )
  const caller = yield* calling(acceptor.transport)
  yield* caller.wire.sendAll([
    caller.frame(Kind.Request, 1, "100", "ask"),
    ...numbers(39).map((n) => caller.frame(Kind.Request, n + 2, `${n + 101}`, "ask"))
  ])
  yield* caller.untilSaid(Kind.Fault, 35, "faults of requests above the limit")
  yield* gates.until(2 * limit)
  yield* settled(() => gates.begun.length, 2 * limit)
  yield* expect(
    gates.begun.length === 2 * limit,
    () => `${gates.begun.length} handlers run of two clients, with a limit of ${limit}`
  )
  for (const n of numbers(200)) gates.open(n)
  const results = yield* Effect.forEach(asking, (fiber) => soon(Fiber.join(fiber), () => "a request did not end"))
  const failures = results.flatMap((result) => (Result.isFailure(result) ? [result.failure] : []))
  yield* expect(failures.length === 35, () => `${failures.length} failed of 35 above the limit`)
  for (const error of failures) {
    yield* expect(
      "_tag" in error && error._tag === "LimitExceeded" && error.limit === "pending" && error.allowed === limit,
      () => "one above the limit failed with something else"
    )
  }
  yield* answers(connection.request("echo", "room"), "room", "a request when there is room again")
})

const ownLimit = Effect.fnUntraced(function* (transport: Transport) {
  const gates = new Gates()
  const acceptor = yield* listen(transport, { ask: gates.pass })
  const connection = yield* dial(acceptor.transport, {}, { limits: { pending: 3 } })
  const asking = yield* Effect.forEach(numbers(3), (n) => Effect.forkChild(connection.request("ask", n)))
  yield* gates.until(3)
  const error = yield* failsWith(connection.request("ask", 3), "LimitExceeded", "a request above the own limit")
  yield* expect(error.allowed === 3, () => `it says that ${error.allowed} are allowed`)
  for (const n of numbers(3)) gates.open(n)
  yield* answers(Effect.forEach(asking, Fiber.join), numbers(3), "those within the limit")
  yield* answers(connection.request("echo", "room"), "room", "a request when there is room again")
})

const rateLimit = Effect.fnUntraced(function* (transport: Transport) {
  const { handlers, seen } = counting()
  // In the time of a case next to nothing comes back.
  const acceptor = yield* listen(transport, handlers, { limits: { rate: 4 } })
  const connection = yield* dial(acceptor.transport)
  const other = yield* dial(acceptor.transport)
  let refused = 0
  for (const n of numbers(200)) {
    const result = yield* soon(Effect.result(connection.request("ask", n)), () => "a request did not end")
    if (Result.isSuccess(result)) continue
    refused++
    const { failure } = result
    yield* expect(
      "_tag" in failure && failure._tag === "LimitExceeded" && failure.limit === "rate",
      () => "one above the rate failed with something else"
    )
  }
  yield* expect(
    seen.handled >= 4 && refused > 100 && seen.handled + refused === 200,
    () => `of 200 at once ${seen.handled} were handled, and ${refused} refused, at 4 a second`
  )
  yield* answers(other.request("ask", 1), 1, "a request of another client")
})

const others = Effect.fnUntraced(function* (transport: Transport) {
  // Who knows the id of a connection is not whose it is.
  const acceptor = yield* listen(
    transport,
    {},
    {
      authenticator: Authentication.any([Authentication.sharedSecret(Redacted.make(right)), Authentication.open])
    }
  )
  const ada = yield* dial(acceptor.transport, {}, { credentials: secret(right) })
  const eve = yield* Effect.result(Effect.scoped(calling(acceptor.transport, ada.id)))
  if (Result.isSuccess(eve)) return yield* broken("another account took a connection over")
  yield* answers(ada.request("echo", "mine"), "mine", "a request of one whose id somebody else tried")
})

const identities = Effect.fnUntraced(function* (transport: Transport) {
  const { connection, other } = yield* talk(transport)
  const [here, there] = [yield* connection.identity, yield* other.identity]
  yield* expect(
    here?.account === "anonymous" && there?.account === "anonymous",
    () => `it is ${here?.account} to itself, and ${there?.account} to the other side`
  )
  const peers = [yield* connection.peer, yield* other.peer]
  yield* expect(
    peers.every((peer) => peer !== undefined && peer.address !== ""),
    () => "a side does not know where the other is"
  )
})

/** All of them. */
export const admission: ReadonlyArray<Guarantee> = [
  { id: "K40", name: "who has no right secret is told so, and nothing of it is handled", run: secrets },
  { id: "K40", name: "what was said to be let in lets nobody in again", run: replayed },
  { id: "K40", name: "one that was not told whom to let in lets nobody in", run: closedByDefault },
  { id: "K40", name: "nothing is sent to one that does not know the secret", run: impostor },
  { id: "K40", name: "a connection is its account's, and no other takes it over", run: others },
  { id: "K40", name: "both sides know who the one that connects is", run: identities },
  { id: "K43", name: "who means another instance or protocol is refused, and told so", run: elsewhere },
  { id: "K43", name: "what is sent to one instance never reaches another, over 10,000 messages", run: apart },
  { id: "K19", name: "a route that is not allowed is PermissionDenied, and is not handled", run: byRoute },
  { name: "no more requests are handled at once than may be, however they come", run: pendingLimit },
  { name: "no more requests are pending than may be", run: ownLimit },
  { name: "no more requests are taken in a second than may be, of each for itself", run: rateLimit }
]
