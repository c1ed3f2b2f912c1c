/**
 * A stand-in for the API of Kubernetes, as much of it as endpoint slices need: it answers lists, and tells watches what a test
 * has it tell.
 */
import { Effect } from "effect"
import { createServer, type Server, type ServerResponse } from "node:http"
import { until } from "../sockets.ts"

export interface Slice {
  readonly metadata: { readonly name: string; readonly resourceVersion: string }
  readonly endpoints?: ReadonlyArray<object> | null
  readonly ports?: ReadonlyArray<object> | null
}

/** The pods of a slice, by their names, with what is to be known of them. */
export const slice = (
  name: string,
  resourceVersion: string,
  pods: { readonly [pod: string]: { readonly at: string; readonly ready?: boolean | null } },
  ports: ReadonlyArray<object> = [
    { name: "grpc", port: 50_051, protocol: "TCP" },
    { name: "tcp", port: 4000, protocol: "TCP" }
  ]
): Slice => ({
  metadata: { name, resourceVersion },
  endpoints: Object.entries(pods).map(([pod, { at, ready }]) => ({
    addresses: [at],
    conditions: ready === undefined ? {} : { ready, serving: true, terminating: false },
    targetRef: { kind: "Pod", name: pod, uid: `uid of ${pod}` }
  })),
  ports
})

export class Kubernetes {
  slices: ReadonlyArray<Slice> = []
  version = "1"
  /** The tokens that are taken. */
  token = "first"
  /** What the next requests are answered with, instead of what is asked for. */
  readonly refusals: Array<number> = []
  /** What was asked for: `list`, or `watch` with the version. */
  readonly asked: Array<string> = []
  private watches: Array<ServerResponse> = []
  private readonly server: Server

  private constructor() {
    this.server = createServer((request, response) => {
      const url = new URL(request.url!, "http://api")
      const version = url.searchParams.get("resourceVersion")
      this.asked.push(version === null ? "list" : `watch ${version}`)
      const isRight =
        url.pathname === "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices" &&
        url.searchParams.get("labelSelector") === "kubernetes.io/service-name=images"
      const refusal = this.refusals.shift() ?? (isRight ? undefined : 404)
      const status = request.headers.authorization === `Bearer ${this.token}` ? (refusal ?? 200) : 401
      response.writeHead(status, { "content-type": "application/json" })
      if (status !== 200) return response.end("{}")
      if (version !== null) {
        this.watches.push(response)
        return response.flushHeaders()
      }
      return response.end(JSON.stringify({ metadata: { resourceVersion: this.version }, items: this.slices }))
    })
  }

  static readonly start = Effect.acquireRelease(
    Effect.callback<Kubernetes>((resume) => {
      const api = new Kubernetes()
      api.server.listen(0, "127.0.0.1", () => resume(Effect.succeed(api)))
    }),
    (api) =>
      Effect.sync(() => {
        api.server.closeAllConnections()
        api.server.close()
      })
  )

  get url(): string {
    const address = this.server.address()
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
  }

  /** Waits until somebody watches. */
  readonly watched = until(() => this.watches.length > 0)

  /** Tells who watches, in pieces that are no lines. */
  tell(type: string, object: object): Effect.Effect<void> {
    return Effect.andThen(
      this.watched,
      Effect.sync(() => {
        const line = `${JSON.stringify({ type, object })}\n`
        for (const watch of this.watches) {
          watch.write(line.slice(0, 20))
          watch.write(line.slice(20))
        }
      })
    )
  }

  /** Ends the watches, in order or not. */
  end(how: "in order" | "by loss"): Effect.Effect<void> {
    return Effect.andThen(
      this.watched,
      Effect.sync(() => {
        for (const watch of this.watches) {
          if (how === "in order") watch.end()
          else watch.destroy()
        }
        this.watches = []
      })
    )
  }
}
