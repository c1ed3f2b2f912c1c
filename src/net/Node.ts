/**
 * Nodes: applications in separate programs whose processes reach each other. A pid or name of another node is sent to, called,
 * monitored, linked and ended as one of this node is.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { step } from "../channel/internal/step.ts"
import type { Selectable } from "../channel/Selectable.ts"
import { Node as ApplicationNode } from "../process/internal/node.ts"
import { isNodeName } from "../process/internal/pid.ts"
import { InvalidOption } from "../process/ProcessError.ts"
import * as Acceptor from "./Acceptor.ts"
import type { Authenticator, Credentials } from "./Authentication.ts"
import type { Heartbeat } from "./Connection.ts"
import type { ConnectionFailed } from "./ConnectionError.ts"
import { keeping } from "./internal/node/keeping.ts"
import { Membership } from "./internal/node/Membership.ts"
import { NodeProtocol } from "./internal/node/protocol.ts"
import { NodeAlreadyNamed, type NodeRefused } from "./NodeError.ts"
import type { Transport } from "./Transport.ts"
import type { TransportError } from "./TransportError.ts"

/**
 * That the application is a node: it has a name by which others know it.
 *
 * @category services
 */
export class Node extends Context.Service<
  Node,
  {
    /** What others know it by. */
    readonly name: string
    /** Where it listens, with the address that was given to it. */
    readonly transport: Option.Option<Transport>
  }
>()("troupe/net/Node") {}

/**
 * What happens to the nodes that this one is connected with.
 *
 * @category models
 */
export type Event =
  | { readonly _tag: "NodeUp"; readonly node: string }
  /** Everything that was watched there has told `NoConnection`. */
  | { readonly _tag: "NodeDown"; readonly node: string; readonly detail: string }

/**
 * How an application becomes a node.
 *
 * @category models
 */
export interface Options {
  readonly name: string
  /** Where it listens for others; it only connects to others when absent. */
  readonly listen?: Transport | undefined
  /** Which of those who connect to it are let in: nobody when absent. */
  readonly authenticator?: Authenticator | undefined
  /** How soon it notices that a node which connected to it is gone. */
  readonly heartbeat?: Heartbeat | undefined
}

/**
 * How a node connects to another one.
 *
 * @category models
 */
export interface ConnectOptions {
  /** What this node has to show for itself; nothing when absent. */
  readonly credentials?: Credentials | undefined
  readonly heartbeat?: Heartbeat | undefined
  /**
   * When a connection that was lost is made again: after 3 seconds when absent, each time half as long again, up to a minute, a
   * fifth more or less, for ever. The schedule begins anew with each connection that there was.
   */
  readonly reconnect?: Schedule.Schedule<unknown, unknown> | "never" | undefined
}

/**
 * Makes the application a node that others reach, until the layer is released.
 *
 * **Details**
 *
 * - `options.name`: what others call it: a text without white space and without any of @ # { | }. Two nodes that are connected
 *   with each other, or with a third one, have different names.
 * - `options.listen`: the transport on which it listens.
 * - `options.authenticator`: who is let in. A node that is let in may do with the processes of this one all that they may do
 *   with each other, among it to kill them: let in only what you trust as you trust your own code.
 * - `options.heartbeat`: a node that is lost without a word is noticed after `misses` + 1 intervals, 40 seconds by default.
 *
 * All hosts that are built together with the layer belong to the node.
 *
 * Messages cross by the schemas of their topics. The pid of another node that came with `Pid.of`, and a name that a definition
 * made, know them; a pid that was parsed, or is the `sender` of a message, is only watched, linked and ended. Pids in payloads
 * lead to the same processes on every node, and never to those of a later run of their node.
 *
 * **Errors**
 *
 * - `InvalidOption`: the name can't be one.
 * - `NodeAlreadyNamed`: the application is a node already.
 * - `TransportError`: it can't listen.
 *
 * **Example** (Two nodes)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Message, Process, ProcessHost } from "troupe"
 * import { Authentication, Memory, Node } from "troupe/net"
 *
 * const Greeter = Process.make("app:greeter", {
 *   protocol: [Rpc.make("greet", { payload: Schema.String, success: Schema.String })]
 * })
 * const GreeterLive = Greeter.toLayer(Effect.fn(function*() {
 *   const message = yield* Greeter.receive()
 *   yield* Message.reply(message, `Hello, ${message.payload}`)
 * }))
 *
 * const address = Memory.make()
 * const host = ProcessHost.layer("app:processes")
 *
 * // One program.
 * const server = Effect.andThen(Process.spawn(Greeter, undefined, { name: "greeter" }), Effect.never).pipe(
 *   Effect.provide([
 *     GreeterLive,
 *     host,
 *     Node.layer({ name: "server", listen: address, authenticator: Authentication.open })
 *   ])
 * )
 *
 * // Another one.
 * const client = Effect.gen(function*() {
 *   yield* Node.connect(address)
 *   return yield* Process.call(Greeter.named("greeter", { node: "server" }), "greet", "Ada")
 * }).pipe(Effect.scoped, Effect.provide([host, Node.layer({ name: "client" })]))
 *
 * Effect.runFork(server)
 * await Effect.runPromise(client) // => "Hello, Ada"
 * ```
 *
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Node, InvalidOption | NodeAlreadyNamed | TransportError> =>
  Layer.effect(
    Node,
    Effect.gen(function* () {
      const { authenticator, heartbeat, listen, name } = options
      if (!isNodeName(name)) {
        return yield* new InvalidOption({
          subject: "a node",
          option: "name",
          value: JSON.stringify(name),
          expected: "a text without white space and without any of @ # { | }"
        })
      }
      const node = yield* ApplicationNode
      const self = { name, incarnation: globalThis.crypto.randomUUID().slice(-12) }
      yield* Effect.acquireRelease(
        step(() => {
          if (node.self !== undefined) return Exit.fail(new NodeAlreadyNamed({ node: node.self.name }))
          node.self = self
          return Exit.void
        }),
        () => Effect.sync(() => (node.self = undefined))
      )
      const membership = new Membership(node, self, yield* Effect.context(), yield* Effect.scope)
      yield* Effect.addFinalizer(() => membership.stop)
      const acceptor =
        listen === undefined
          ? undefined
          : yield* Acceptor.make(listen, NodeProtocol, {
              authenticator,
              heartbeat,
              handlers: {
                who: () => Effect.succeed(self),
                join: ({ lost, self: peer }, connection) => membership.admit(peer, lost, connection)
              }
            })
      membership.transport = Option.fromUndefinedOr(acceptor?.transport)
      return membership
    })
  ).pipe(Layer.provide(ApplicationNode.layer))

const withMembership = <A, E, R>(
  f: (membership: Membership) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | Node> => Effect.flatMap(Node, (node) => f(node as Membership))

/**
 * Connects this node with another one, and again whenever they are not connected any more, until the scope closes; answers
 * with the name of the other node.
 *
 * **Details**
 *
 * - `transport`: where the other node listens.
 *
 * It makes no difference which of the two connects. Two nodes are connected once: where both connect to each other, one of the
 * connections is used, and `connect` succeeds on both sides.
 *
 * What was watched, linked or called over a connection that is lost ends with `NoConnection`, and is not resumed when the two
 * are connected again.
 *
 * **Errors**
 *
 * For the first connection; later ones are tried as `options.reconnect` says.
 *
 * - `ConnectionFailed`: nobody listens, or lets this node in.
 * - `NodeRefused`: both have the same name, or another node of this one's name is connected there.
 *
 * **Example** (Two nodes of one name)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Authentication, Memory, Node } from "troupe/net"
 *
 * const address = Memory.make()
 * const namesake = Node.connect(address).pipe(
 *   Effect.scoped,
 *   Effect.flip,
 *   Effect.provide(Node.layer({ name: "house" }), { local: true })
 * )
 *
 * const house = Node.layer({ name: "house", listen: address, authenticator: Authentication.open })
 * const error = await Effect.runPromise(Effect.provide(namesake, house))
 * error._tag === "NodeRefused" ? error.reason : error._tag // => "SameName"
 * ```
 *
 * @category connecting
 */
export const connect = (
  transport: Transport,
  options: ConnectOptions = {}
): Effect.Effect<string, ConnectionFailed | NodeRefused, Node | Scope.Scope> =>
  withMembership((membership) => Effect.map(keeping(membership, transport, options), ({ name }) => name))

/**
 * The names of the nodes that this one is connected with now.
 *
 * @category reading
 */
export const connected: Effect.Effect<ReadonlyArray<string>, never, Node> = withMembership((membership) =>
  Effect.sync(() => membership.peers.map(({ name }) => name))
)

/**
 * Which nodes come and go, from now on; it begins with a `NodeUp` for each that is connected now.
 *
 * **Details**
 *
 * A node that comes back is another run of it, unless the connection alone was lost: look its processes up again.
 *
 * **Example** (A node that comes and goes)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Selectable } from "troupe"
 * import { Authentication, Memory, Node } from "troupe/net"
 *
 * const address = Memory.make()
 * const visit = Node.connect(address).pipe(Effect.scoped, Effect.provide(Node.layer({ name: "guest" }), { local: true }))
 *
 * const program = Effect.gen(function*() {
 *   const events = yield* Node.events
 *   yield* visit
 *   return [yield* Selectable.take(events), yield* Selectable.take(events)].map(({ _tag, node }) => `${_tag} ${node}`)
 * })
 *
 * const house = Node.layer({ name: "house", listen: address, authenticator: Authentication.open })
 * await Effect.runPromise(Effect.provide(Effect.scoped(program), house)) // => ["NodeUp guest", "NodeDown guest"]
 * ```
 *
 * @category reading
 */
export const events: Effect.Effect<Selectable<Event>, never, Node | Scope.Scope> = withMembership((membership) =>
  membership.events.subscribe(() => membership.peers.map(({ name }) => ({ _tag: "NodeUp", node: name }) as const))
)
