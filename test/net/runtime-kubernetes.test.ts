/**
 * Instances that are found in Kubernetes, by a stand-in for its API.
 */
import { layerNodeHttp } from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Fiber, Redacted, Schedule, Stream } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Acceptor, Authentication, Connection, type Instance } from "troupe/net"
import * as KubernetesRuntime from "troupe/net/kubernetes-runtime"
import * as Tcp from "troupe/net/tcp"
import { settle } from "../support/processes.ts"
import { handlers, Kept } from "./program/kept.ts"
import { Kubernetes, slice } from "./program/kubernetes.ts"
import { until } from "./sockets.ts"

const quickly = Schedule.spaced("5 millis")

const optionsOf = (api: Kubernetes, options?: Partial<KubernetesRuntime.Options>): KubernetesRuntime.Options => ({
  cluster: { url: api.url, token: Effect.sync(() => Redacted.make("first")) },
  namespace: "default",
  service: "images",
  retry: quickly,
  ...options
})

/** Follows a service, and keeps what was seen. */
const following = Effect.fnUntraced(function* (api: Kubernetes, options?: Partial<KubernetesRuntime.Options>) {
  const runtime = yield* KubernetesRuntime.make(optionsOf(api, options))
  const seen: Array<ReadonlyArray<Instance.Instance>> = []
  const fiber = yield* Effect.forkScoped(
    Stream.runForEach(runtime.instances, (now) => Effect.sync(() => void seen.push(now)))
  )
  yield* until(() => seen.length === 1)
  const idsOf = (instances: ReadonlyArray<Instance.Instance> | undefined) => instances?.map(({ id }) => String(id))
  return {
    fiber,
    seen,
    now: () => seen.at(-1)!,
    ids: () => idsOf(seen.at(-1)),
    /** Waits until these are there. */
    are: (...pods: ReadonlyArray<string>) =>
      until(
        () =>
          JSON.stringify(idsOf(seen.at(-1))) === JSON.stringify(pods.map((pod) => `kubernetes/images.default/${pod}`))
      )
  }
})

const waysTo = ({ strategy }: Instance.Instance) => strategy.transports.map(({ address, name }) => `${name} ${address}`)

layer(layerNodeHttp, { excludeTestServices: true })("endpoints of Kubernetes as instances", (it) => {
  it.effect("those that are ready are there at once, by gRPC first and then by TCP, each on its port", () =>
    Effect.gen(function* () {
      const api = yield* Kubernetes.start
      api.slices = [
        slice("images-1", "1", {
          a: { at: "10.0.0.1", ready: true },
          b: { at: "10.0.0.2", ready: false },
          // Not to say it is to be ready.
          c: { at: "10.0.0.3" },
          d: { at: "10.0.0.4", ready: null }
        }),
        // The same pod for a while in another slice; and one without the ports that are looked for.
        slice("images-2", "1", { a: { at: "10.0.0.1", ready: true } }),
        slice("images-3", "1", { e: { at: "10.0.0.5" } }, [{ name: "http", port: 80 }]),
        slice("images-4", "1", { f: { at: "fd00::6" } }, [{ name: "tcp", port: 4001 }]),
        { metadata: { name: "images-5", resourceVersion: "1" }, endpoints: null, ports: null }
      ]
      const found = yield* following(api)
      yield* found.are("a", "c", "d", "f")
      const [a, , , f] = found.now()
      assert.deepStrictEqual(waysTo(a!), ["grpc grpc://10.0.0.1:50051", "tcp 10.0.0.1:4000"])
      assert.deepStrictEqual(waysTo(f!), ["tcp [fd00::6]:4001"])
      assert.strictEqual(a!.strategy.runtime, "kubernetes")
    })
  )

  it.effect("what is added, changed and deleted is followed; who stays is the same, who leaves has ended", () =>
    Effect.gen(function* () {
      const api = yield* Kubernetes.start
      api.slices = [slice("images-1", "1", { a: { at: "10.0.0.1" }, b: { at: "10.0.0.2" } })]
      const found = yield* following(api)
      yield* found.are("a", "b")
      const [a, b] = found.now()
      yield* api.tell("ADDED", slice("images-2", "2", { c: { at: "10.0.0.3" } }))
      yield* found.are("a", "b", "c")
      assert.isTrue(found.now()[0] === a && found.now()[1] === b)
      yield* api.tell(
        "MODIFIED",
        slice("images-1", "3", { a: { at: "10.0.0.1", ready: false }, b: { at: "10.0.0.2" } })
      )
      yield* found.are("b", "c")
      assert.strictEqual(found.now()[0], b)
      assert.strictEqual((yield* a!.ended).how, "lost")
      // What changes nothing is not told; a bookmark is no change either.
      yield* api.tell("MODIFIED", slice("images-2", "4", { c: { at: "10.0.0.3", ready: true } }))
      yield* api.tell("BOOKMARK", { kind: "EndpointSlice", metadata: { resourceVersion: "9" } })
      yield* api.tell("MODIFIED", slice("images-1", "10", { a: { at: "10.0.0.1" }, b: { at: "10.0.0.2" } }))
      yield* found.are("a", "b", "c")
      assert.notStrictEqual(found.now()[0], a)
      yield* api.tell("DELETED", slice("images-1", "11", {}))
      yield* found.are("c")
      assert.strictEqual(found.seen.length, 5)
      assert.deepStrictEqual(api.asked, ["list", "watch 1"])
    })
  )

  it.effect("a watch that ends, or is cut off, goes on from the last version that was told", () =>
    Effect.gen(function* () {
      const api = yield* Kubernetes.start
      api.slices = [slice("images-1", "1", { a: { at: "10.0.0.1" } })]
      const found = yield* following(api)
      yield* api.tell("ADDED", slice("images-2", "2", { b: { at: "10.0.0.2" } }))
      yield* found.are("a", "b")
      yield* api.end("in order")
      yield* until(() => api.asked.includes("watch 2"))
      yield* api.tell("BOOKMARK", { metadata: { resourceVersion: "7" } })
      yield* api.end("by loss")
      yield* until(() => api.asked.includes("watch 7"))
      yield* api.tell("DELETED", slice("images-1", "8", {}))
      yield* found.are("b")
      assert.deepStrictEqual(api.asked, ["list", "watch 1", "watch 2", "watch 7"])
    })
  )

  it.effect("410, as an answer and as an event, has it list again; and nobody is gone who is still there", () =>
    Effect.gen(function* () {
      const api = yield* Kubernetes.start
      api.slices = [slice("images-1", "1", { a: { at: "10.0.0.1" }, b: { at: "10.0.0.2" } })]
      const found = yield* following(api)
      const [a] = found.now()
      api.slices = [slice("images-1", "5", { a: { at: "10.0.0.1" }, c: { at: "10.0.0.3" } })]
      api.version = "5"
      yield* api.tell("ERROR", { kind: "Status", code: 410, reason: "Expired", message: "too old" })
      yield* found.are("a", "c")
      assert.strictEqual(found.now()[0], a)
      yield* until(() => api.asked.includes("watch 5"))
      api.slices = [slice("images-1", "6", { a: { at: "10.0.0.1" } })]
      api.version = "6"
      api.refusals.push(410)
      yield* api.end("in order")
      yield* found.are("a")
      yield* until(() => api.asked.includes("watch 6"))
      assert.deepStrictEqual(api.asked, ["list", "watch 1", "list", "watch 5", "watch 5", "list", "watch 6"])
    })
  )

  it.effect(
    "a pod with an address of each family is one instance, and stays where it is as long as that is listed",
    () =>
      Effect.gen(function* () {
        const api = yield* Kubernetes.start
        api.slices = [
          slice("images-6", "1", { a: { at: "fd00::1" } }),
          slice("images-4", "1", { a: { at: "10.0.0.1" }, b: { at: "10.0.0.2" } })
        ]
        const found = yield* following(api)
        yield* found.are("a", "b")
        const [a] = found.now()
        assert.deepStrictEqual(waysTo(a!), ["grpc grpc://[fd00::1]:50051", "tcp [fd00::1]:4000"])
        // Listed in another order.
        yield* api.tell("DELETED", slice("images-4", "2", {}))
        yield* found.are("a")
        yield* api.tell("ADDED", slice("images-4", "3", { a: { at: "10.0.0.1" }, c: { at: "10.0.0.3" } }))
        yield* found.are("a", "c")
        assert.strictEqual(found.now()[0], a)
        yield* api.tell("DELETED", slice("images-6", "4", {}))
        yield* until(() => found.now()[0] !== a)
        yield* found.are("a", "c")
        assert.deepStrictEqual(waysTo(found.now()[0]!), ["grpc grpc://10.0.0.1:50051", "tcp 10.0.0.1:4000"])
        assert.strictEqual((yield* a!.ended).how, "lost")
        yield* api.tell("ADDED", slice("images-6", "5", { a: { at: "fd00::1" }, d: { at: "fd00::4" } }))
        yield* found.are("a", "c", "d")
        assert.deepStrictEqual(waysTo(found.now()[0]!), ["grpc grpc://10.0.0.1:50051", "tcp 10.0.0.1:4000"])
      })
  )

  it.effect("what is told and is not understood has it list again, after its delay", () =>
    Effect.gen(function* () {
      const api = yield* Kubernetes.start
      api.slices = [slice("images-1", "1", { a: { at: "10.0.0.1" } })]
      const found = yield* following(api)
      yield* api.watched
      api.slices = [slice("images-1", "5", { b: { at: "10.0.0.2" } })]
      api.version = "5"
      yield* api.tell("MODIFIED", { nothing: "that is a slice" })
      yield* found.are("b")
      yield* until(() => api.asked.includes("watch 5"))
      assert.deepStrictEqual(api.asked, ["list", "watch 1", "list", "watch 5"])
    })
  )

  it.effect("a token that is replaced in its file is read anew; until then those stay that were there", () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-account-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      writeFileSync(join(folder, "token"), "first\n")
      const api = yield* Kubernetes.start
      api.slices = [slice("images-1", "1", { a: { at: "10.0.0.1" } })]
      const found = yield* following(api, { cluster: KubernetesRuntime.serviceAccount({ url: api.url, folder }) })
      yield* api.watched
      api.token = "second"
      yield* api.end("in order")
      yield* until(() => api.asked.length >= 4)
      yield* found.are("a")
      writeFileSync(join(folder, "token"), "second\n")
      yield* api.tell("DELETED", slice("images-1", "2", {}))
      yield* found.are()
      rmSync(join(folder, "token"))
      const error = yield* Effect.flip(
        KubernetesRuntime.make(optionsOf(api, { cluster: KubernetesRuntime.serviceAccount({ url: api.url, folder }) }))
      )
      assert.strictEqual(error._tag === "DiscoveryFailed" && error.reason, "Unauthorized")
      assert.include(error.message, "token can't be read")
    })
  )

  it.effect("what fails at first is a typed error; what fails later ends the stream when the schedule ends", () =>
    Effect.gen(function* () {
      const api = yield* Kubernetes.start
      const failing = (options: Partial<KubernetesRuntime.Options>) =>
        Effect.map(Effect.flip(KubernetesRuntime.make(optionsOf(api, options))), (error) =>
          error._tag === "DiscoveryFailed" ? error.reason : error._tag
        )
      const cluster = { url: api.url, token: Effect.succeed(Redacted.make("wrong")) }
      assert.strictEqual(yield* failing({ cluster }), "Unauthorized")
      api.refusals.push(403, 503)
      assert.strictEqual(yield* failing({}), "Forbidden")
      assert.strictEqual(yield* failing({}), "Unreachable")
      assert.strictEqual(yield* failing({ namespace: "nowhere" }), "NotFound")
      assert.strictEqual(
        yield* failing({ cluster: { ...optionsOf(api).cluster, url: "http://127.0.0.1:1" } }),
        "Unreachable"
      )
      const found = yield* following(api, { retry: Schedule.upTo(quickly, { times: 2 }) })
      yield* api.watched
      api.refusals.push(500, 500)
      yield* api.end("in order")
      const error = yield* Effect.flip(Fiber.join(found.fiber))
      assert.include(error.message, "it answered 500")
      assert.deepStrictEqual(api.asked.slice(-4), ["list", "watch 1", "watch 1", "watch 1"])
    })
  )

  it.effect("K39 an endpoint whose gRPC port nobody listens on is reached by TCP", () =>
    Effect.gen(function* () {
      const api = yield* Kubernetes.start
      const { transport } = yield* Acceptor.make(Tcp.make({ host: "127.0.0.1", port: 0 }), Kept, {
        authenticator: Authentication.open,
        handlers: handlers("a", 7, () => {})
      })
      const port = Number(transport.address.split(":").at(-1))
      api.slices = [
        slice("images-1", "1", { a: { at: "127.0.0.1" } }, [
          { name: "rpc", port: 1 },
          { name: "raw", port }
        ])
      ]
      const found = yield* following(api, { ports: { grpc: "rpc", tcp: "raw" } })
      const connection = yield* Connection.connect(found.now()[0]!.strategy, Kept)
      assert.strictEqual(yield* connection.request("pid"), 7)
      assert.strictEqual((yield* connection.peer)?.address, transport.address)
    })
  )

  it.effect("a client needs the authority of the cluster", () =>
    Effect.gen(function* () {
      const folder = join(tmpdir(), "nowhere")
      const error = yield* Effect.flip(
        Effect.provide(HttpClient.HttpClient, KubernetesRuntime.layerHttpClient({ folder }))
      )
      assert.include(error.message, "ca.crt can't be read")
    })
  )
})

describe("an API of Kubernetes that does not answer", () => {
  it.effect("a watch that is not begun within its time is a failure, and the schedule of retries goes on", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const client = HttpClient.make((request) => {
        const isWatch = request.urlParams.params.some(([name]) => name === "watch")
        asked.push(isWatch ? "watch" : "list")
        const empty = { metadata: { resourceVersion: "1" }, items: [] }
        return isWatch ? Effect.never : Effect.succeed(HttpClientResponse.fromWeb(request, Response.json(empty)))
      })
      const runtime = yield* KubernetesRuntime.make({
        cluster: { url: "http://api", token: Effect.succeed(Redacted.make("first")) },
        namespace: "default",
        service: "images",
        retry: Schedule.upTo(Schedule.spaced("1 second"), { times: 1 })
      }).pipe(Effect.provideService(HttpClient.HttpClient, client))
      const fiber = yield* Effect.forkScoped(Stream.runDrain(runtime.instances))
      yield* TestClock.adjust("31 seconds")
      yield* settle
      assert.deepStrictEqual(asked, ["list", "watch", "watch"])
      yield* TestClock.adjust("30 seconds")
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.include(error.message, "there was no answer within 30 seconds")
    })
  )
})
