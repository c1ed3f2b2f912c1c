/**
 * A runtime of what runs in Kubernetes: the ready endpoints of a service, as the API of the cluster has them, and every change
 * of them.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { MissingPackage } from "../../../command/driver/MissingPackage.ts"
import type { Credentials } from "../../Authentication.ts"
import * as Runtime from "../../Runtime.ts"
import { DiscoveryFailed } from "../../RuntimeError.ts"
import * as Grpc from "../../transport/node/Grpc.ts"
import { following } from "./internal/endpointSlices.ts"

/**
 * The API of a cluster, and who asks it.
 *
 * @category models
 */
export interface Cluster {
  /** The address of the API. */
  readonly url: string
  /** Gets the token of who asks; it is run for each request, so that a token can be replaced. Fails with why there is none. */
  readonly token: Effect.Effect<Redacted.Redacted<string>, string>
}

/**
 * What is looked for, and where.
 *
 * @category models
 */
export interface Options {
  readonly cluster: Cluster
  readonly namespace: string
  readonly service: string
  /** The names that the ports of the service have: `grpc` and `tcp` when absent. */
  readonly ports?: { readonly grpc?: string | undefined; readonly tcp?: string | undefined } | undefined
  /** What those who connect have to show; nothing when absent. */
  readonly credentials?: Credentials | undefined
  /**
   * When the API is asked again after a failure: after 200 milliseconds when absent, each time twice as long, up to 30
   * seconds, a fifth longer at random, for ever. It begins anew when the API tells something again.
   */
  readonly retry?: Schedule.Schedule<unknown, DiscoveryFailed> | undefined
}

/**
 * Looks for the ready endpoints of a service, and follows their changes until the scope closes.
 *
 * **Details**
 *
 * An endpoint is an instance of the name `kubernetes/<service>.<namespace>/<pod>`, or with its address where it has no pod. A
 * pod that has several addresses is one, at the one of them that is listed first, and stays there as long as that is listed.
 * It is reached by gRPC first, on the port of that name, and then by TCP on its own; an endpoint that has neither is left
 * out. One that is not ready, or not there, any more has ended, as `lost`: what has begun there may go on. When it is ready
 * again, it is another instance.
 *
 * A server that is to be known by its name gets it as its `instanceId`; its pod knows it from the environment:
 *
 * ```yaml
 * env:
 *   - { name: POD, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
 *   - { name: TROUPE_INSTANCE, value: kubernetes/images.default/$(POD) }
 * ```
 *
 * The endpoint slices are listed once and then watched. A watch that ends goes on from where it was; when the API does not
 * know that any more (410), or what it tells is not understood, they are listed again. While the API does not answer, those stay that were there last, and it is
 * asked again. Each failure is logged as a warning. Who asks has to be allowed to `list` and `watch` the `endpointslices` of
 * `discovery.k8s.io` in the namespace.
 *
 * **Errors**
 *
 * `DiscoveryFailed` when they can't be listed at first; later when the schedule of retries has ended, with which the stream
 * of instances fails. `MissingPackage` when `@grpc/grpc-js` is not installed.
 *
 * **Example** (The pods of a service, from within the cluster)
 *
 * ```ts no-run
 * import { Effect } from "effect"
 * import * as KubernetesRuntime from "troupe/net/kubernetes-runtime"
 *
 * const program = Effect.gen(function* () {
 *   const cluster = KubernetesRuntime.serviceAccount()
 *   return yield* KubernetesRuntime.make({ cluster, namespace: "default", service: "images" })
 * }).pipe(Effect.provide(KubernetesRuntime.layerHttpClient()))
 * ```
 *
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<Runtime.Runtime, DiscoveryFailed | MissingPackage, HttpClient.HttpClient | Scope.Scope> =>
  Effect.gen(function* () {
    // Its package is missing now, or never.
    yield* Grpc.make({ host: "127.0.0.1", port: 0 })
    return Runtime.make("kubernetes", yield* following(options, yield* HttpClient.HttpClient))
  })

// Where Kubernetes has them in each pod.
const usual = "/var/run/secrets/kubernetes.io/serviceaccount"

/**
 * The cluster that this program runs in, asked by the service account of its pod, whose token is read anew for each request,
 * since Kubernetes replaces it.
 *
 * **Details**
 *
 * - `url`: `https://kubernetes.default.svc` when absent.
 * - `folder`: where the token is; the usual place of it in a pod when absent.
 *
 * @category clusters
 */
export const serviceAccount = (options?: {
  readonly url?: string | undefined
  readonly folder?: string | undefined
}): Cluster => {
  const file = join(options?.folder ?? usual, "token")
  return {
    url: options?.url ?? "https://kubernetes.default.svc",
    token: Effect.map(read(file), (token) => Redacted.make(token.trim()))
  }
}

/**
 * A client that trusts the authority of the cluster that this program runs in, and no other.
 *
 * **Details**
 *
 * - `folder`: where the certificate of the authority, `ca.crt`, is; the usual place of it in a pod when absent.
 *
 * **Errors**
 *
 * `DiscoveryFailed` when there is no such file.
 *
 * @category clusters
 */
export const layerHttpClient = (options?: {
  readonly folder?: string | undefined
}): Layer.Layer<HttpClient.HttpClient, DiscoveryFailed> => {
  const file = join(options?.folder ?? usual, "ca.crt")
  return Layer.unwrap(
    read(file).pipe(
      Effect.map((ca) => NodeHttpClient.layerNodeHttpOptions({ ca })),
      Effect.mapError((detail) => new DiscoveryFailed({ source: "a cluster", reason: "Unauthorized", detail }))
    )
  )
}

const read = (file: string): Effect.Effect<string, string> =>
  Effect.tryPromise({ try: () => readFile(file, "utf8"), catch: (error) => `${file} can't be read: ${String(error)}` })
