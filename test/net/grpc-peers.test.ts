/**
 * Programs that are not ours talk to a gRPC transport: grpc-js by itself, with messages of protobufjs from `troupe.proto`, and
 * Python.
 */
import { assert, describe, it } from "@effect/vitest"
import * as grpc from "@grpc/grpc-js"
import { Cause, Clock, Context, Deferred, Effect, Exit, Fiber, Logger, Queue, Redacted, Scope, Stream } from "effect"
import type { Wire } from "../../src/net/Transport.ts"
import type { WireClosed } from "../../src/net/TransportError.ts"
import * as Grpc from "../../src/net/transport/node/Grpc.ts"
import { because, opensslAbsent } from "./absent.ts"
import { certificates } from "./certificates.ts"
import { published } from "./peers/published.ts"
import { pythonAbsent, runPython } from "./peers/python.ts"

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const bytes = (content: string): Uint8Array => new TextEncoder().encode(content)
const base64 = (content: string): string => Buffer.from(content).toString("base64")

/** Sends back what comes, until nothing more comes. */
const echo = (wire: Wire): Effect.Effect<void> =>
  Effect.ignore(Effect.forever(Effect.flatMap(wire.receive, (frames) => wire.sendAll(frames))))

class Prefix extends Context.Service<Prefix, string>()("test/Prefix") {}

/** What the calls of a test have seen. */
const makeCalls = Effect.gen(function* () {
  const interrupted = yield* Queue.unbounded<string>()
  const begun = yield* Deferred.make<void>()
  const requests: Array<Grpc.CallRequest> = []
  let pulled = 0
  const calls = yield* Grpc.serveCalls<Prefix>({
    authorize: ({ route }) =>
      route.startsWith("admin.")
        ? Effect.fail(new Grpc.CallFailed({ status: "PERMISSION_DENIED", detail: `${route} is not for you` }))
        : Effect.void,
    call: (request): Effect.Effect<Uint8Array, Grpc.CallFailed, Prefix> => {
      requests.push(request)
      switch (request.route) {
        case "greet":
          return Effect.map(Prefix, (prefix) => bytes(`${prefix} ${text(request.payload)}`))
        case "never":
          return Effect.onInterrupt(Effect.never, () => Queue.offer(interrupted, "never"))
        case "defect":
          throw new Error("a secret")
        case "slow":
          return Effect.andThen(
            Deferred.succeed(begun, undefined),
            Effect.delay(Effect.succeed(bytes("slowly")), "300 millis")
          )
        default:
          return Effect.fail(new Grpc.CallFailed({ status: "NOT_FOUND", detail: `there is no route ${request.route}` }))
      }
    },
    watch: ({ payload, route }) => {
      if (route === "count") return Stream.map(Stream.range(1, Number(text(payload))), (n) => bytes(String(n)))
      if (route === "forever")
        return Stream.ensuring(
          Stream.fromEffectRepeat(
            Effect.sync(() => {
              pulled++
              return new Uint8Array(64 * 1024)
            })
          ),
          Queue.offer(interrupted, "forever")
        )
      return Stream.concat(
        Stream.make(bytes("one")),
        Stream.fail(new Grpc.CallFailed({ status: "FAILED_PRECONDITION", detail: "not now: ü" }))
      )
    }
  }).pipe(Effect.provideService(Prefix, "hello"))
  return { begun, calls, interrupted, requests, pulled: () => pulled }
})

const address = (url: string): string => url.replace(/^grpcs?:\/\//, "")

const connectionOf = (url: string) =>
  Effect.acquireRelease(
    Effect.sync(() => new grpc.Client(address(url), grpc.credentials.createInsecure())),
    (client) => Effect.sync(() => client.close())
  )

type Message = Record<string, unknown>

/** A wire as grpc-js has it that nobody has told of us but the file. */
const connectCall = (client: grpc.Client, metadata = new grpc.Metadata()) => {
  const { path, requestSerialize, responseDeserialize } = published.Transport.Connect
  const call = client.makeBidiStreamRequest<Message, Message>(path, requestSerialize, responseDeserialize, metadata, {})
  call.on("error", () => {})
  return call
}

const statusOf = (call: grpc.ClientDuplexStream<Message, Message> | grpc.ClientReadableStream<Message>) =>
  Effect.callback<grpc.StatusObject>((resume) => {
    call.once("status", (status: grpc.StatusObject) => resume(Effect.succeed(status)))
  })

/** Reads a stream of a service to its end. */
const watched = (client: grpc.Client, request: Message) =>
  Effect.callback<{ readonly values: ReadonlyArray<string>; readonly status: grpc.StatusObject }>((resume) => {
    const { path, requestSerialize, responseDeserialize } = published.Calls.Watch
    const call = client.makeServerStreamRequest<Message, Message>(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      new grpc.Metadata(),
      {}
    )
    const values: Array<string> = []
    call.on("error", () => {})
    call.on("data", (message: Message) => values.push(text(message["payload"] as Uint8Array)))
    call.once("status", (status: grpc.StatusObject) => resume(Effect.succeed({ values, status })))
  })

const unary = (client: grpc.Client, request: Message, options: grpc.CallOptions = {}) =>
  Effect.callback<{ readonly error: grpc.ServiceError | null; readonly answer: Message | undefined }>((resume) => {
    const { path, requestSerialize, responseDeserialize } = published.Calls.Call
    const metadata = new grpc.Metadata()
    metadata.set("tenant", "blue")
    metadata.set("token-bin", Buffer.from([0, 255]))
    const call = client.makeUnaryRequest<Message, Message>(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      options,
      (error, answer) => resume(Effect.succeed({ error, answer }))
    )
    return Effect.sync(() => call.cancel())
  })

describe("Grpc and grpc-js", () => {
  it.live("K45 a client that ends its side of the call still reads what it is sent", () =>
    Effect.gen(function* () {
      const transport = yield* Grpc.make({ host: "127.0.0.1", port: 0 })
      const ended = yield* Deferred.make<unknown>()
      const listening = yield* transport.listen((wire) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(
            Effect.forever(Effect.flatMap(wire.receive, (frames) => wire.sendAll(frames)))
          )
          yield* Deferred.succeed(ended, error)
          yield* Effect.ignore(wire.send(bytes("and the last")))
        })
      )
      const call = connectCall(yield* connectionOf(listening.transport.address))
      const got: Array<string> = []
      call.on("data", ({ payload }: { payload: Uint8Array }) => got.push(text(payload)))
      call.write({ payload: bytes("one") })
      call.write({ payload: bytes("two") })
      call.end()
      assert.strictEqual((yield* statusOf(call)).code, grpc.status.OK)
      assert.deepStrictEqual(got, ["one", "two", "and the last"])
      assert.strictEqual(((yield* Deferred.await(ended)) as WireClosed).by, "the other side")
    })
  )

  it.live("K38 what breaks the rules ends its call with a status, and no other", () =>
    Effect.gen(function* () {
      const transport = yield* Grpc.make({ host: "127.0.0.1", port: 0, maxFrame: 1000 })
      const ends = yield* Queue.unbounded<{ readonly error: unknown; readonly closed: WireClosed }>()
      const listening = yield* transport.listen((wire) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(
            Effect.forever(Effect.flatMap(wire.receive, (frames) => wire.sendAll(frames)))
          )
          yield* Queue.offer(ends, { error, closed: yield* wire.closed })
        })
      )
      const client = yield* connectionOf(listening.transport.address)
      const bystander = connectCall(client)
      const cases: ReadonlyArray<readonly [Message, grpc.status, string]> = [
        [{ payload: new Uint8Array(1001) }, grpc.status.RESOURCE_EXHAUSTED, "FrameTooLarge"],
        [{ payload: new Uint8Array(1), remaining: 1000 }, grpc.status.RESOURCE_EXHAUSTED, "FrameTooLarge"],
        [{ payload: new Uint8Array(1), remaining: 0xffff_ffff }, grpc.status.RESOURCE_EXHAUSTED, "FrameTooLarge"],
        [{ remaining: 5 }, grpc.status.INVALID_ARGUMENT, "WireClosed"],
        // Longer than any message may be: grpc-js does not even take it in.
        [{ payload: new Uint8Array(1024 * 1024 + 2000) }, grpc.status.RESOURCE_EXHAUSTED, "WireClosed"]
      ]
      for (const [message, code, tag] of cases) {
        const call = connectCall(client)
        call.resume()
        call.write(message)
        const status = yield* statusOf(call)
        assert.strictEqual(status.code, code, status.details)
        const { closed, error } = yield* Queue.take(ends)
        assert.strictEqual((error as { _tag: string })._tag, tag)
        assert.strictEqual(closed.by, tag === "FrameTooLarge" ? "this side" : "loss")
      }
      // Bytes that are no message, and pieces that do not fit together.
      const raw = client.makeBidiStreamRequest<Uint8Array, Uint8Array>(
        published.Transport.Connect.path,
        (message) => Buffer.from(message),
        (message) => message,
        new grpc.Metadata(),
        {}
      )
      raw.on("error", () => {}).resume()
      raw.write(Uint8Array.from([0x0a, 200]))
      assert.strictEqual((yield* statusOf(raw as never)).code, grpc.status.INVALID_ARGUMENT)
      const torn = connectCall(client)
      torn.resume()
      torn.write({ payload: new Uint8Array(5), remaining: 5 })
      torn.write({ payload: new Uint8Array(5), remaining: 5 })
      assert.strictEqual((yield* statusOf(torn)).code, grpc.status.INVALID_ARGUMENT)
      const echoed = Effect.callback<Message>((resume) => {
        bystander.once("data", (message: Message) => resume(Effect.succeed(message)))
        bystander.write({ payload: bytes("still here") })
      })
      assert.strictEqual(text((yield* echoed)["payload"] as Uint8Array), "still here")
      bystander.write({ closing: true })
      bystander.end()
      assert.strictEqual((yield* statusOf(bystander)).code, grpc.status.OK)
    })
  )

  it.live("answers calls, with their metadata and deadlines, and interrupts those whose caller gives up", () =>
    Effect.gen(function* () {
      const { calls, interrupted, requests } = yield* makeCalls
      const transport = yield* Grpc.make({ host: "127.0.0.1", port: 0, calls })
      const logged: Array<string> = []
      const logger = Logger.make(({ cause, message }) => void logged.push(`${String(message)} ${Cause.pretty(cause)}`))
      const { transport: there } = yield* Effect.provide(transport.listen(echo), Logger.layer([logger]))
      const client = yield* connectionOf(there.address)
      const { answer } = yield* unary(client, { route: "greet", payload: bytes("you") })
      assert.strictEqual(text(answer?.["payload"] as Uint8Array), "hello you")
      assert.strictEqual(requests[0]?.metadata["tenant"], "blue")
      assert.deepStrictEqual(requests[0]?.metadata["token-bin"], Buffer.from([0, 255]))
      assert.isUndefined(requests[0]?.deadline)
      assert.match(requests[0]?.peer.address ?? "", /^127\.0\.0\.1:\d+$/)

      const missing = yield* unary(client, { route: "nowhere" })
      assert.strictEqual(missing.error?.code, grpc.status.NOT_FOUND)
      assert.strictEqual(missing.error?.details, "there is no route nowhere")
      const defect = yield* unary(client, { route: "defect" })
      assert.strictEqual(defect.error?.code, grpc.status.INTERNAL)
      assert.notInclude(defect.error?.details, "secret")
      assert.lengthOf(logged, 1)
      assert.include(logged[0], "A handler of calls over gRPC failed. Error: a secret")

      const now = yield* Clock.currentTimeMillis
      const late = yield* unary(client, { route: "never" }, { deadline: now + 200 })
      assert.strictEqual(late.error?.code, grpc.status.DEADLINE_EXCEEDED)
      assert.isAtMost(Math.abs((requests.at(-1)?.deadline ?? 0) - (now + 200)), 150)
      assert.strictEqual(yield* Queue.take(interrupted), "never")
      const waiting = unary(client, { route: "never" })
      yield* Effect.ignore(Effect.timeout(waiting, "200 millis"))
      assert.strictEqual(yield* Queue.take(interrupted), "never")
    })
  )

  it.live("has a foreign client read a stream: its values in order, and how it ends", () =>
    Effect.gen(function* () {
      const { calls } = yield* makeCalls
      const transport = yield* Grpc.make({ host: "127.0.0.1", port: 0, calls })
      const { transport: there } = yield* transport.listen(echo)
      const client = yield* connectionOf(there.address)
      const whole = yield* watched(client, { route: "count", payload: bytes("1000") })
      assert.deepStrictEqual(
        whole.values,
        Array.from({ length: 1000 }, (_, at) => String(at + 1))
      )
      assert.strictEqual(whole.status.code, grpc.status.OK)
      const cut = yield* watched(client, { route: "fails" })
      assert.deepStrictEqual(cut.values, ["one"])
      assert.strictEqual(cut.status.code, grpc.status.FAILED_PRECONDITION)
      assert.strictEqual(cut.status.details, "not now: ü")
    })
  )

  it.live("does not run a call that its caller may not make", () =>
    Effect.gen(function* () {
      const { calls, requests } = yield* makeCalls
      const transport = yield* Grpc.make({ host: "127.0.0.1", port: 0, calls })
      const { transport: there } = yield* transport.listen(echo)
      const client = yield* connectionOf(there.address)
      const { error } = yield* unary(client, { route: "admin.erase" })
      assert.deepStrictEqual(
        [error?.code, error?.details],
        [grpc.status.PERMISSION_DENIED, "admin.erase is not for you"]
      )
      assert.isEmpty(requests)
      const { status, values } = yield* watched(client, { route: "admin.log" })
      assert.deepStrictEqual([status.code, values], [grpc.status.PERMISSION_DENIED, []])
    })
  )

  it.live("I12 a caller that does not read what it watches has the stream wait", () =>
    Effect.gen(function* () {
      const { calls, interrupted, pulled } = yield* makeCalls
      const transport = yield* Grpc.make({ host: "127.0.0.1", port: 0, calls })
      const { transport: there } = yield* transport.listen(echo)
      const client = yield* connectionOf(there.address)
      const { path, requestSerialize, responseDeserialize } = published.Calls.Watch
      const call = client.makeServerStreamRequest<Message, Message>(
        path,
        requestSerialize,
        responseDeserialize,
        { route: "forever" },
        new grpc.Metadata(),
        {}
      )
      call.on("error", () => {})
      yield* Effect.callback<void>((resume) => {
        call.once("readable", () => resume(Effect.void))
      })
      let before = -1
      while (pulled() !== before) {
        before = pulled()
        yield* Effect.sleep("100 millis")
      }
      assert.isBelow(pulled(), 200)
      for (let read = 0; read < 300;) {
        if (call.read() === null) yield* Effect.sleep("1 millis")
        else read++
      }
      assert.isAtLeast(pulled(), 300)
      call.cancel()
      assert.strictEqual(yield* Queue.take(interrupted), "forever")
    })
  )

  it.live("K48 a listener that stops answers the calls that have begun, and takes no others", () =>
    Effect.gen(function* () {
      const { calls, begun } = yield* makeCalls
      const transport = yield* Grpc.make({ host: "127.0.0.1", port: 0, calls })
      const scope = yield* Scope.make()
      const { transport: there } = yield* Scope.provide(transport.listen(echo), scope)
      const client = yield* connectionOf(there.address)
      const slow = yield* Effect.forkChild(unary(client, { route: "slow" }))
      yield* Deferred.await(begun)
      yield* Scope.close(scope, Exit.void)
      const { answer } = yield* Fiber.join(slow)
      assert.strictEqual(text(answer?.["payload"] as Uint8Array), "slowly")
      const after = yield* unary(client, { route: "greet" })
      assert.strictEqual(after.error?.code, grpc.status.UNAVAILABLE)
    })
  )
})

describe.skipIf(pythonAbsent !== undefined)(`Grpc and Python${because(pythonAbsent)}`, () => {
  it.live("K45 frames come back as they were sent, and statuses tell what was wrong", () =>
    Effect.gen(function* () {
      const transport = yield* Grpc.make({ host: "127.0.0.1", port: 0, maxFrame: 3_000_000 })
      const listening = yield* transport.listen(echo)
      const results = yield* runPython({
        address: address(listening.transport.address),
        do: [
          ["echo", { count: 1000, size: 100 }],
          ["echo", { count: 5, size: 0 }],
          ["echo", { count: 3, size: 1_000_000 }],
          ["pieces", { size: 3_000_000, step: 777_777 }],
          ["refused", { payload: 1, remaining: 3_000_000 }],
          ["refused", { payload: 0, remaining: 1 }]
        ]
      })
      assert.deepStrictEqual(results.slice(0, 4), [
        { same: true, count: 1000, code: "OK" },
        { same: true, count: 5, code: "OK" },
        { same: true, count: 3, code: "OK" },
        { same: true, code: "OK" }
      ])
      assert.strictEqual(results[4]?.["code"], "RESOURCE_EXHAUSTED")
      assert.include(String(results[4]?.["details"]), "3000001")
      assert.strictEqual(results[5]?.["code"], "INVALID_ARGUMENT")
    })
  )

  it.live("its calls are answered, fail with their status, and end at their deadline", () =>
    Effect.gen(function* () {
      const { calls, interrupted, requests } = yield* makeCalls
      const transport = yield* Grpc.make({ host: "127.0.0.1", port: 0, calls })
      const listening = yield* transport.listen(echo)
      const results = yield* runPython({
        address: address(listening.transport.address),
        do: [
          ["call", { route: "greet", payload: "you" }],
          ["call", { route: "nowhere", payload: "" }],
          ["call", { route: "never", payload: "", timeout: 0.2 }],
          ["watch", { route: "count", payload: "3" }],
          ["watch", { route: "fails", payload: "" }],
          ["watch", { route: "forever", payload: "", take: 2 }]
        ]
      })
      assert.deepStrictEqual(results.slice(0, 5), [
        { payload: base64("hello you"), code: "OK" },
        { code: "NOT_FOUND", details: "there is no route nowhere" },
        { code: "DEADLINE_EXCEEDED", details: "Deadline Exceeded" },
        { payloads: ["1", "2", "3"].map(base64), code: "OK" },
        { payloads: [base64("one")], code: "FAILED_PRECONDITION" }
      ])
      assert.strictEqual(results[5]?.["code"], "CANCELLED")
      assert.strictEqual(yield* Queue.take(interrupted), "never")
      assert.strictEqual(yield* Queue.take(interrupted), "forever")
      assert.deepStrictEqual(requests[0]?.metadata["token-bin"], Buffer.from([0, 255]))
    })
  )

  it.live.skipIf(opensslAbsent !== undefined)(
    `K50 it shows its certificate over TLS, and one of a stranger is refused${because(opensslAbsent)}`,
    () =>
      Effect.gen(function* () {
        const { authority, client, server, stranger } = certificates
        const peers: Array<string | undefined> = []
        const transport = yield* Grpc.make({ host: "127.0.0.1", port: 0, tls: { authority, identity: server } })
        const listening = yield* transport.listen((wire) => {
          peers.push(wire.peer.certificate)
          return echo(wire)
        })
        const results = yield* Effect.forEach([client, stranger], (identity) =>
          runPython({
            address: address(listening.transport.address),
            tls: { authority, certificate: identity.certificate, key: Redacted.value(identity.key) },
            do: [["refused", { payload: 5, remaining: 0 }]]
          })
        )
        assert.deepStrictEqual(
          results.map(([result]) => result?.["code"]),
          ["OK", "UNAVAILABLE"]
        )
        assert.deepStrictEqual(peers, ["CN=client, O=Troupe"])
      })
  )
})
