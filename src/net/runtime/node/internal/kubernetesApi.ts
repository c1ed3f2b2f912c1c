/**
 * What the API of Kubernetes says of endpoint slices, as much of it as is needed.
 */
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { DiscoveryFailed } from "../../../RuntimeError.ts"

// Lists of Go may be null.
const list = <S extends Schema.Top>(item: S) => Schema.optionalKey(Schema.NullOr(Schema.Array(item)))
const maybe = <S extends Schema.Top>(value: S) => Schema.optionalKey(Schema.NullOr(value))

const Endpoint = Schema.Struct({
  addresses: Schema.Array(Schema.String),
  conditions: maybe(Schema.Struct({ ready: maybe(Schema.Boolean) })),
  targetRef: maybe(Schema.Struct({ name: maybe(Schema.String), uid: maybe(Schema.String) }))
})

export type Endpoint = typeof Endpoint.Type

const Slice = Schema.Struct({
  metadata: Schema.Struct({ name: Schema.String, resourceVersion: Schema.String }),
  endpoints: list(Endpoint),
  ports: list(Schema.Struct({ name: maybe(Schema.String), port: maybe(Schema.Number) }))
})

export type Slice = typeof Slice.Type

const Slices = Schema.Struct({
  metadata: Schema.Struct({ resourceVersion: Schema.String }),
  items: Schema.Array(Slice)
})

const Event = Schema.Union([
  Schema.Struct({ type: Schema.Literals(["ADDED", "MODIFIED", "DELETED"]), object: Slice }),
  Schema.Struct({
    type: Schema.Literal("BOOKMARK"),
    object: Schema.Struct({ metadata: Schema.Struct({ resourceVersion: Schema.String }) })
  }),
  Schema.Struct({
    type: Schema.Literal("ERROR"),
    object: Schema.Struct({ code: maybe(Schema.Number), message: maybe(Schema.String) })
  })
])

type Event = typeof Event.Type

/** Whatever tells of a slice, or how far the watch is. */
export type Change = Exclude<Event, { readonly type: "ERROR" }>

const readList = Schema.decodeUnknownEffect(Schema.fromJsonString(Slices))
const readEvent = Schema.decodeUnknownEffect(Schema.fromJsonString(Event))

/** The API does not know any more what has changed since a version. */
export interface Gone {
  readonly _tag: "Gone"
}

const gone: Gone = { _tag: "Gone" }

// The server ends a watch after this time, in seconds; one that has not by then is not heard any more.
const WatchTime = 300
const Late = `${WatchTime + 30} seconds` as const

/** Which service is asked for, and where. */
export interface Place {
  readonly cluster: {
    readonly url: string
    readonly token: Effect.Effect<Redacted.Redacted<string>, string>
  }
  readonly namespace: string
  readonly service: string
}

/** Asks for the slices of one service. */
export class Api {
  readonly source: string
  private readonly place: Place
  private readonly client: HttpClient.HttpClient

  constructor(place: Place, client: HttpClient.HttpClient) {
    this.place = place
    this.client = client
    this.source = `the service ${place.service}.${place.namespace} at ${place.cluster.url}`
  }

  readonly list: Effect.Effect<typeof Slices.Type, DiscoveryFailed> = Effect.suspend(() =>
    this.get({}).pipe(
      Effect.flatMap((response) => Effect.mapError(response.text, (error) => this.unreachable(error))),
      Effect.flatMap((body) => Effect.mapError(readList(body), (error) => this.failed("Unreadable", firstOf(error)))),
      Effect.timeoutOrElse(this.inTime),
      Effect.catchTag("Gone", () => Effect.fail(this.failed("Unreadable", "it answered 410 to a list")))
    )
  )

  /** Tells what changes after a version, until the API ends that; and before, that it has begun to. */
  watch(
    version: string,
    begun: Effect.Effect<void>,
    tell: (change: Change) => Effect.Effect<void>
  ): Effect.Effect<void, DiscoveryFailed | Gone> {
    const params = {
      watch: "1",
      resourceVersion: version,
      allowWatchBookmarks: "true",
      timeoutSeconds: String(WatchTime)
    }
    const answer = this.get(params).pipe(
      Effect.timeoutOrElse(this.inTime),
      Effect.tap(() => begun)
    )
    return Effect.flatMap(answer, ({ stream }) =>
      stream.pipe(
        Stream.mapError((error) => this.unreachable(error)),
        Stream.decodeText(),
        Stream.splitLines,
        Stream.filter((line) => line !== ""),
        Stream.mapEffect((line) =>
          Effect.mapError(readEvent(line), (error) => this.failed("Unreadable", firstOf(error)))
        ),
        Stream.runForEach((event) => (event.type === "ERROR" ? this.ended(event) : tell(event)))
      )
    ).pipe(Effect.timeoutOption(Late), Effect.asVoid)
  }

  private readonly inTime = {
    duration: "30 seconds",
    orElse: () => Effect.fail(this.failed("Unreachable", "there was no answer within 30 seconds"))
  } as const

  /** What a watch is that ends before it was of any use. */
  get brief(): DiscoveryFailed {
    return this.failed("Unreachable", "it ends a watch at once")
  }

  private ended({
    object: { code, message }
  }: Extract<Event, { readonly type: "ERROR" }>): Effect.Effect<never, DiscoveryFailed | Gone> {
    return Effect.fail(code === 410 ? gone : this.failed("Unreachable", `it ends a watch with ${code}, ${message}`))
  }

  private get(params: Readonly<Record<string, string>>): Effect.Effect<HttpClientResponse, DiscoveryFailed | Gone> {
    const { cluster, namespace, service } = this.place
    const url = `${cluster.url}/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices`
    const labelSelector = `kubernetes.io/service-name=${service}`
    return Effect.gen({ self: this }, function* () {
      const token = yield* Effect.mapError(cluster.token, (detail) => this.failed("Unauthorized", detail))
      const request = HttpClientRequest.get(url, { urlParams: { labelSelector, ...params } }).pipe(
        HttpClientRequest.bearerToken(token),
        HttpClientRequest.acceptJson
      )
      const response = yield* Effect.mapError(this.client.execute(request), (error) => this.unreachable(error))
      const { status } = response
      if (status === 200) return response
      if (status === 410) return yield* Effect.fail(gone)
      return yield* this.failed(reasons[status] ?? "Unreachable", `it answered ${status}`)
    })
  }

  private unreachable({ reason }: HttpClientError): DiscoveryFailed {
    return this.failed("Unreachable", firstOf(reason.cause ?? reason))
  }

  private failed(reason: DiscoveryFailed["reason"], detail: string): DiscoveryFailed {
    return new DiscoveryFailed({ source: this.source, reason, detail })
  }
}

const reasons: { readonly [status: number]: DiscoveryFailed["reason"] } = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound"
}

// The first line, which has what matters.
const firstOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split("\n")[0]!
