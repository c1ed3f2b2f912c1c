/**
 * Makes the side of connections that listens.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Rpc } from "effect/rpc"
import * as Scope from "effect/Scope"
import { Topic } from "../../../process/internal/topic.ts"
import { IntMap } from "../../../scheduler/internal/IntMap.ts"
import type { Acceptor, Event, Options, Stats } from "../../Acceptor.ts"
import * as Authentication from "../../Authentication.ts"
import type { Connection } from "../../Connection.ts"
import { ConnectionClosed } from "../../ConnectionError.ts"
import type { Protocol } from "../../Protocol.ts"
import type { Transport, Wire } from "../../Transport.ts"
import type { FrameTooLarge, TransportError, WireClosed } from "../../TransportError.ts"
import { routesOf } from "./codec.ts"
import { ConnectionImpl } from "./ConnectionImpl.ts"
import { heartbeatOf, pendingOf, servedBy, type Timing, timing } from "./connecting.ts"
import { Counters } from "./Counters.ts"
import { type Agreed, type HandshakeError, type Host, receive } from "./handshake.ts"
import type { Service } from "./Handling.ts"
import { Once } from "./Once.ts"
import { Session } from "./Session.ts"

// How long the answers of requests that are handled once are kept for somebody who has no link.
const Kept = "1 minute"

// How long handlers have to clean up after they were interrupted.
const Patience = "2 seconds"

/** What is kept for one that connects, over its links. */
interface Known {
  readonly account: string
  readonly once: Once
  connection: ConnectionImpl | undefined
  /** Forgets it when it does not come back. */
  leaving: Fiber.Fiber<void> | undefined
}

type Settings = Options<Rpc.Any, Rpc.Any, unknown, never>

class AcceptorImpl {
  private readonly protocol: Protocol<Rpc.Any, Rpc.Any>
  private readonly options: Settings
  private readonly service: Service
  private readonly timing: Timing
  private readonly host: Host
  private readonly onEvent: (event: Event<Rpc.Any>) => void
  private readonly known = new Map<string, Known>()
  private readonly open = new Set<ConnectionImpl>()
  private readonly topic = new Topic<Event<Rpc.Any>>()
  private readonly gone = new Counters()
  private readonly refused = { unauthenticated: 0, other: 0 }
  private accepted = 0
  private isStopping = false

  constructor(
    protocol: Protocol<Rpc.Any, Rpc.Any>,
    options: Settings,
    service: Service,
    timing: Timing,
    onEvent: (event: Event<Rpc.Any>) => void
  ) {
    this.onEvent = onEvent
    this.protocol = protocol
    this.options = options
    this.service = service
    this.timing = timing
    this.host = {
      protocol: protocol.name,
      instance: options.instanceId?.toString(),
      incarnation: globalThis.crypto.randomUUID(),
      authenticator: options.authenticator ?? Authentication.closed,
      isStopping: () => this.isStopping,
      isFree: (id, { account }) => (this.known.get(id)?.account ?? account) === account
    }
  }

  /** Has a wire served, until it is closed. */
  readonly serve = (wire: Wire): Effect.Effect<void> =>
    Effect.matchEffect(receive(wire, this.host), {
      onFailure: (error) => Effect.sync(() => this.onRefused(wire, error)),
      onSuccess: (agreed) => this.run(wire, agreed)
    })

  private onRefused({ peer }: Wire, error: HandshakeError): void {
    if (error._tag === "AuthenticationFailed") this.refused.unauthenticated++
    else this.refused.other++
    this.publish({ _tag: "Refused", peer, error })
  }

  private run(wire: Wire, agreed: Agreed): Effect.Effect<void> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.gen({ self: this }, function* () {
        const known = this.knownOf(agreed)
        const before = known.connection
        const connection = this.make(wire, agreed, known.once)
        known.connection = connection
        // The link that it had is half open, or it would have made no other.
        if (before !== undefined) {
          yield* before.end(closedSince(before, "the other side", "it has made a new link"))
          yield* before.giveUp
          yield* Effect.forkDetach(before.hangUp)
        }
        this.accepted++
        this.open.add(connection)
        this.publish({ _tag: "Connected", connection: connection.connection })
        const session = new Session(wire, agreed.incarnation, connection)
        const exit = yield* Effect.exit(restore(connection.runLink(session, agreed)))
        const [by, detail] = endOf(exit)
        yield* connection.end(closedSince(connection, by, detail))
        this.open.delete(connection)
        this.gone.add(connection.counters)
        const error = yield* connection.closed
        this.publish({ _tag: "Disconnected", connection: connection.connection, error })
        if (known.connection === connection) this.onLeft(agreed.connection, known)
      })
    )
  }

  private make(wire: Wire, { connection }: Agreed, once: Once): ConnectionImpl {
    const { heartbeat, instanceId, limits } = this.options
    return new ConnectionImpl({
      ...this.timing,
      id: connection,
      name: undefined,
      instanceId,
      target: wire.peer.address,
      remote: routesOf(this.protocol.client),
      service: this.service,
      heartbeat: heartbeatOf(heartbeat),
      pending: pendingOf(limits),
      rate: limits?.rate,
      once,
      hasOneLink: true,
      dial: () => {},
      hangUp: Effect.void,
      opening: () => undefined,
      onState: () => {},
      onLeaving: () => {}
    })
  }

  private knownOf({ connection, identity }: Agreed): Known {
    let known = this.known.get(connection)
    if (known === undefined) {
      known = { account: identity.account, once: new Once(), connection: undefined, leaving: undefined }
      this.known.set(connection, known)
    }
    known.leaving?.interruptUnsafe()
    known.leaving = undefined
    return known
  }

  // It may come back for what is handled once for it.
  private onLeft(id: string, known: Known): void {
    known.connection = undefined
    known.once.leave()
    const forget = Effect.sync(() => {
      known.once.end()
      this.known.delete(id)
    })
    if (known.once.size === 0) this.known.delete(id)
    else known.leaving = Effect.runForkWith(this.service.context)(Effect.delay(forget, Kept))
  }

  private publish(event: Event<Rpc.Any>): void {
    this.onEvent(event)
    this.topic.publish(event)
  }

  get connections(): ReadonlyArray<Connection<Rpc.Any>> {
    return [...this.open].map(({ connection }) => connection)
  }

  readonly events: Acceptor<Rpc.Any>["events"] = this.topic.subscribe()

  /** Lets nobody in any more, and ends those who are when they have their answers, or the time is over. */
  readonly drain: Effect.Effect<void> = Effect.suspend(() => {
    this.isStopping = true
    return Effect.forEach(this.open, ({ drain }) => drain, { concurrency: "unbounded", discard: true }).pipe(
      Effect.timeoutOption(this.options.stopTimeout ?? "10 seconds"),
      Effect.andThen(
        Effect.forEach(
          this.open,
          (one) => Effect.andThen(one.end(closedSince(one, "this side", "it stops")), one.hangUp),
          { concurrency: "unbounded", discard: true }
        )
      ),
      Effect.andThen(
        Effect.withFiber((self) => {
          for (const { leaving, once } of this.known.values()) {
            leaving?.interruptUnsafe()
            once.end()
          }
          this.known.clear()
          // Their finalizers may need what is closed behind this acceptor; one of them may have asked for the stop.
          const handlers = [...this.service.fibers.values()].filter((fiber) => fiber !== self)
          return Effect.timeoutOption(Fiber.awaitAll(handlers), Patience)
        })
      )
    )
  })

  stats(tooMany: number): Stats {
    const total = new Counters()
    total.add(this.gone)
    let running = 0
    for (const connection of this.open) {
      total.add(connection.counters)
      running += connection.running
    }
    // Of those who may come back.
    for (const { connection, once } of this.known.values()) if (connection === undefined) running += once.running
    const { bytesIn, bytesOut, duplicates, late, messagesIn, messagesOut, unknown } = total
    const { outcomes } = this.service
    return {
      connections: this.open.size,
      accepted: this.accepted,
      refused: { ...this.refused, tooMany },
      messagesOut,
      messagesIn,
      bytesOut,
      bytesIn,
      handled: { ...outcomes, running },
      dropped: { unknown, late, duplicates }
    }
  }
}

const endOf = (exit: Exit.Exit<WireClosed | FrameTooLarge>): readonly [ConnectionClosed["by"], string] => {
  if (Exit.isFailure(exit)) return ["this side", "it stops"]
  const why = exit.value
  return why._tag === "WireClosed" ? [why.by, why.detail] : ["this side", why.message]
}

const closedSince = ({ peerName }: ConnectionImpl, by: ConnectionClosed["by"], detail: string): ConnectionClosed =>
  new ConnectionClosed({ peer: peerName, by, detail })

/** Listens, and answers when it does. `onEvent`: is told what happens, in the step in which it does. */
export const accepting = <Client extends Rpc.Any>(
  transport: Transport,
  protocol: Protocol<Rpc.Any, Client>,
  options: unknown,
  onEvent: (event: Event<Rpc.Any>) => void = () => {}
): Effect.Effect<Acceptor<Client>, TransportError, Scope.Scope> =>
  Effect.gen(function* () {
    const settings = options as Settings
    const context = yield* Effect.context()
    const service: Service = {
      served: servedBy(protocol.server, settings.handlers),
      context,
      authorize: settings.authorize as Service["authorize"],
      pending: pendingOf(settings.limits),
      fibers: new IntMap(),
      outcomes: { succeeded: 0, failed: 0 }
    }
    const impl = new AcceptorImpl(protocol, settings, service, yield* timing, onEvent)
    const scope = yield* Scope.make()
    const stop = yield* Effect.cached(Effect.andThen(impl.drain, Scope.close(scope, Exit.void)))
    yield* Effect.addFinalizer(() => stop)
    const listening = yield* Scope.provide(transport.listen(impl.serve), scope)
    return {
      transport: listening.transport,
      connections: Effect.sync(() => impl.connections as ReadonlyArray<Connection<Client>>),
      events: impl.events as unknown as Acceptor<Client>["events"],
      stats: Effect.map(listening.refused ?? Effect.succeed(0), (refused) => impl.stats(refused)),
      stop
    }
  })
