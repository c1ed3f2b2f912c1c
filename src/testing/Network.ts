/**
 * A network of named nodes that fails as networks do, by seed: what talks over transports can be explored over it, and a
 * failure comes again.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { defaultMaxFrame, type Transport, type Wire } from "../net/Transport.ts"
import { Window } from "../net/transport/internal/Line.ts"
import type { Conditions } from "./internal/network/Chance.ts"
import { Simulation } from "./internal/network/Simulation.ts"

/**
 * How long a frame is underway: always the same, or any time between two.
 *
 * @category models
 */
export type Latency = Duration.Input | { readonly min: Duration.Input; readonly max: Duration.Input }

/**
 * What can happen to a frame that travels for itself. Each is a chance, from 0 to 1.
 *
 * @category models
 */
export interface Datagrams {
  /** That it does not arrive. */
  readonly loss?: number | undefined
  /** That it arrives twice. */
  readonly duplication?: number | undefined
  /** That those which were sent later may overtake it. */
  readonly reordering?: number | undefined
}

/**
 * How a network is.
 *
 * @category models
 */
export interface Options {
  /** How long a frame is underway, one way: 1 millisecond. */
  readonly latency?: Latency | undefined
  /** The chance that a wire is lost with a frame that is sent: 0. */
  readonly breaks?: number | undefined
  /**
   * Has each frame travel for itself, as a datagram does: for layers that claim to survive it, since a transport must not do
   * that. To connect and to close stays reliable. A side that does not take loses what is more than the window.
   */
  readonly datagrams?: Datagrams | undefined
  /** After how long the others learn that a node has crashed: 1 second. */
  readonly detection?: Duration.Input | undefined
  /** How long connecting may take: 10 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** How many bytes may be underway on a wire before its sender waits, a little more for each frame: 1 MiB. */
  readonly window?: number | undefined
  /** How many bytes a frame may have: `Transport.defaultMaxFrame`. */
  readonly maxFrame?: number | undefined
}

/**
 * A network, and what can go wrong with it.
 *
 * **Details**
 *
 * Nodes are there as soon as they are named. A wire between two of them loses nothing in its middle: what can't pass is held,
 * in order, as TCP sends it again; or the wire is lost as a whole, and of what was underway an arbitrary first part arrives.
 *
 * @category models
 */
export interface Network {
  /** The way from one node to another: `from` connects to `to`, and whoever listens does so at `to`. */
  readonly transport: (from: string, to: string) => Transport

  /** Holds whatever one node sends to another, and lets the other direction be: a partition in one direction. */
  readonly clog: (from: string, to: string) => Effect.Effect<void>
  /** Lets what was held pass. */
  readonly unclog: (from: string, to: string) => Effect.Effect<void>
  /** Holds whatever nodes of one group and nodes of the other send to each other. A partition is silent: no wire is closed. */
  readonly partition: (some: ReadonlyArray<string>, others: ReadonlyArray<string>) => Effect.Effect<void>
  /** Lets everything pass again. */
  readonly heal: Effect.Effect<void>
  /**
   * Clogs the links between all nodes, one after the other in an arbitrary order, and unclogs them in another, all of it
   * within a time. It is over when the effect is, also when it is interrupted; links that are clogged already are left alone.
   */
  readonly swizzle: (within: Duration.Input) => Effect.Effect<void>

  /**
   * Stops a node, as SIGSTOP stops a program: it can be connected to and sent to, up to the window, and answers nothing. What
   * its own fibers do beside the network goes on; what they send waits.
   */
  readonly freeze: (node: string) => Effect.Effect<void>
  /** Has a node go on; whatever came in while it was stopped comes now. */
  readonly thaw: (node: string) => Effect.Effect<void>
  /**
   * Kills a node: nobody listens there any more, those who serve are interrupted, its wires are lost, which the other sides
   * learn after a while, and of what it had sent an arbitrary first part arrives. To start it again is to listen again.
   */
  readonly crash: (node: string) => Effect.Effect<void>

  /** Has the wires between two nodes be lost, at once and on both sides. */
  readonly sever: (one: string, other: string) => Effect.Effect<void>
  /** Has a wire of this network be lost, at once and on both sides. */
  readonly lose: (wire: Wire) => Effect.Effect<void>
}

/**
 * Makes a network. It ends with the scope: what is underway then does not arrive.
 *
 * **Details**
 *
 * What is left to chance comes from Effect's `Random`, and all times are those of its `Clock`, both as they are where the
 * network is made: under `Explore` the same seed has the same things happen in the same order, and time costs nothing.
 *
 * **Errors**
 *
 * Its transports fail with `TransportError`: `NotListening`, `AddressInUse`, `TimedOut` where connecting takes too long, as
 * through a partition, and `Lost` where a node crashes meanwhile. Its wires end as wires do.
 *
 * **Example** (A frame that waits for the partition's end)
 *
 * ```ts import.meta.vitest
 * import { Clock, Effect } from "effect"
 * import { Explore, Network } from "troupe/testing"
 *
 * const program = Effect.gen(function*() {
 *   const network = yield* Network.make({ latency: "5 millis" })
 *   const transport = network.transport("client", "server")
 *   yield* transport.listen((wire) => Effect.ignore(Effect.flatMap(wire.receive, wire.sendAll)))
 *
 *   const wire = yield* transport.connect
 *   yield* network.clog("server", "client")
 *   yield* wire.send(Uint8Array.of(1, 2, 3))
 *   yield* Effect.forkChild(Effect.delay(network.heal, "1 minute"))
 *   const [echo] = yield* wire.receive
 *   const at = yield* Clock.currentTimeMillis
 *   if (echo.length !== 3 || at !== 60_010) return yield* Effect.fail(`${echo} at ${at}`)
 * })
 *
 * const { schedules } = await Effect.runPromise(Explore.check(Effect.scoped(program), { schedules: 20 }))
 * schedules // => 20
 * ```
 *
 * **Example** (Finding what a lost connection does)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Explore, Network } from "troupe/testing"
 *
 * // It takes for granted that what was sent has arrived.
 * const program = Effect.gen(function*() {
 *   const network = yield* Network.make({ breaks: 0.05 })
 *   const transport = network.transport("client", "server")
 *   let stored = 0
 *   yield* transport.listen((wire) =>
 *     Effect.ignore(Effect.forever(Effect.map(wire.receive, (frames) => (stored += frames.length))))
 *   )
 *   const wire = yield* transport.connect
 *   yield* Effect.ignore(wire.send(Uint8Array.of(1)))
 *   yield* Effect.sleep("1 second")
 *   if (stored !== 1) return yield* Effect.fail("the order was lost")
 * })
 *
 * const found = await Effect.runPromise(Effect.flip(Explore.check(Effect.scoped(program))))
 * found._tag // => "ExplorationFailed"
 * ```
 *
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<Network, never, Scope.Scope> =>
  Effect.map(Simulation.make(conditionsOf(options)), (simulation): Network => simulation)

const conditionsOf = (options: Options): Conditions => {
  const { connectTimeout = "10 seconds", datagrams, detection = "1 second", latency = "1 millis" } = options
  return {
    latency: latencyOf(latency),
    breaks: options.breaks ?? 0,
    datagrams: datagrams && chancesOf(datagrams),
    detection: millisOf(detection),
    connectTimeout: millisOf(connectTimeout),
    window: options.window ?? Window,
    maxFrame: options.maxFrame ?? defaultMaxFrame
  }
}

const chancesOf = ({ duplication = 0, loss = 0, reordering = 0 }: Datagrams) => ({ duplication, loss, reordering })

const millisOf = (input: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(input))

const latencyOf = (latency: Latency): Conditions["latency"] => {
  if (typeof latency === "object" && "min" in latency) {
    return { min: millisOf(latency.min), max: millisOf(latency.max) }
  }
  return { min: millisOf(latency), max: millisOf(latency) }
}
