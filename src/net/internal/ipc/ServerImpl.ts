/**
 * A server: its clients by their ids, and what is pushed to them.
 */
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import * as Result from "effect/Result"
import { step } from "../../../channel/internal/step.ts"
import { Topic } from "../../../process/internal/topic.ts"
import type { Acceptor, Event as AcceptorEvent } from "../../Acceptor.ts"
import type { Connection } from "../../Connection.ts"
import type { ConnectionClosed, InvalidMessage, UnknownRoute } from "../../ConnectionError.ts"
import { ClientUnreachable } from "../../IpcError.ts"
import type { DisconnectReason, Event, IpcServer, PushError, Stats } from "../../IpcServer.ts"
import type { Transport } from "../../Transport.ts"
import { FrameTooLarge } from "../../TransportError.ts"
import type { Route } from "../session/codec.ts"
import { implOf } from "../session/ConnectionImpl.ts"
import { frameOfTell } from "../session/telling.ts"
import { ClientImpl } from "./ClientImpl.ts"
import { Groups } from "./Groups.ts"
import { PushCounters, Pushed } from "./Pushed.ts"
import type { Health } from "./routes.ts"

export interface Settings {
  readonly transport: Transport
  /** The routes of its clients. */
  readonly routes: ReadonlyMap<string, Route>
  /** How much may wait for a client. */
  readonly backlog: { readonly messages: number; readonly bytes: number }
  readonly clock: Clock.Clock
  /** Runs what nobody waits for. */
  readonly fork: (effect: Effect.Effect<void>) => void
}

export class ServerImpl {
  readonly settings: Settings
  readonly groups = new Groups<ClientImpl>()
  readonly pushes = new PushCounters()
  /** What listens, once it does. */
  readonly acceptor = Deferred.makeUnsafe<Acceptor<Rpc.Any>>()
  /** As its users have it. */
  readonly server: IpcServer<Rpc.Any>

  private readonly begun: number
  private readonly byId = new Map<string, ClientImpl>()
  private readonly byConnection = new WeakMap<Connection, ClientImpl>()
  private readonly topic = new Topic<Event<Rpc.Any>>()
  private transport: Transport
  private slow = 0
  private isStopping = false

  constructor(settings: Settings) {
    this.settings = settings
    this.transport = settings.transport
    this.begun = settings.clock.currentTimeMillisUnsafe()
    this.server = this.face()
  }

  /** It listens. */
  begin(acceptor: Acceptor<Rpc.Any>): void {
    this.transport = acceptor.transport
    Deferred.doneUnsafe(this.acceptor, Exit.succeed(acceptor))
  }

  /** Who has this connection. */
  clientOf(connection: Connection): ClientImpl {
    let client = this.byConnection.get(connection)
    if (client === undefined) {
      client = new ClientImpl(this, implOf(connection))
      this.byConnection.set(connection, client)
    }
    return client
  }

  /** In the step in which it happens: nobody is pushed to who is gone, and no handler runs for somebody unknown. */
  readonly onEvent = (event: AcceptorEvent<Rpc.Any>): void => {
    switch (event._tag) {
      case "Connected":
        return this.onConnected(event.connection)
      case "Disconnected":
        return this.onDisconnected(event.connection, event.error)
      case "Refused":
        return this.topic.publish(event)
    }
  }

  private onConnected(connection: Connection<Rpc.Any>): void {
    const client = this.clientOf(connection)
    this.byId.set(client.id, client)
    this.topic.publish({ _tag: "Connected", client: client.client })
  }

  private onDisconnected(connection: Connection, error: ConnectionClosed): void {
    const client = this.clientOf(connection)
    this.groups.leaveAll(client)
    const isReplaced = this.byId.get(client.id) !== client
    if (!isReplaced) this.byId.delete(client.id)
    const reason = isReplaced ? "Lost" : (client.dismissal ?? this.reasonOf(error))
    this.topic.publish({ _tag: "Disconnected", client: client.client, reason, error })
  }

  private reasonOf({ by }: ConnectionClosed): DisconnectReason {
    if (by === "loss") return "Lost"
    if (by === "the other side") return "Left"
    // It has taken no answers for long.
    return this.isStopping ? "Stopped" : "TooSlow"
  }

  /** A client is disconnected since it does not keep up. */
  onTooSlow(): void {
    this.slow++
  }

  readonly health: Effect.Effect<(typeof Health)["successSchema"]["Type"]> = Effect.sync(() => ({
    uptime: Duration.millis(this.settings.clock.currentTimeMillisUnsafe() - this.begun),
    clients: this.byId.size
  }))

  /** Pushes to a client. */
  pushToOne(client: ClientImpl, route: string, payload: unknown): Effect.Effect<void, PushError | ClientUnreachable> {
    return step<void, PushError | ClientUnreachable>(() => {
      const pushed = this.pushed(route, payload)
      if (Result.isFailure(pushed)) return Exit.fail(pushed.failure)
      const outcome = client.offer(pushed.success)
      if (outcome === "accepted") return Exit.void
      return Exit.fail(
        outcome instanceof FrameTooLarge ? outcome : new ClientUnreachable({ client: client.id, reason: outcome })
      )
    })
  }

  // To all for whom it was accepted; how many these are. A frame that is too large is so for the first one.
  private pushToMany(
    clients: () => Iterable<ClientImpl>,
    route: string,
    payload: unknown
  ): Effect.Effect<number, PushError> {
    return step<number, PushError>(() => {
      const pushed = this.pushed(route, payload)
      if (Result.isFailure(pushed)) return Exit.fail(pushed.failure)
      let reached = 0
      for (const client of clients()) {
        const outcome = client.offer(pushed.success)
        if (outcome instanceof FrameTooLarge) return Exit.fail(outcome)
        if (outcome === "accepted") reached++
      }
      return Exit.succeed(reached)
    })
  }

  private pushed(route: string, payload: unknown): Result.Result<Pushed, UnknownRoute | InvalidMessage> {
    const frame = frameOfTell(this.settings.routes, "A client", route, payload)
    return Result.map(frame, (bytes) => new Pushed(bytes, route, this.pushes))
  }

  private face(): IpcServer<Rpc.Any> {
    const { byId, groups } = this
    const clientsOf = (clients: Iterable<ClientImpl>) => Array.from(clients, ({ client }) => client)
    const transport = () => this.transport
    return {
      get transport() {
        return transport()
      },
      clients: Effect.sync(() => clientsOf(byId.values())),
      client: (id) => Effect.sync(() => byId.get(id)?.client),
      groups: Effect.sync(() => groups.names),
      members: (group) => Effect.sync(() => clientsOf(groups.in(group))),
      push: (id, route, ...[payload]) =>
        Effect.suspend(() => {
          const client = byId.get(id)
          return client === undefined
            ? Effect.fail(new ClientUnreachable({ client: id, reason: "NotConnected" }))
            : this.pushToOne(client, route, payload)
        }),
      pushToGroup: (group, route, ...[payload]) => this.pushToMany(() => groups.in(group), route, payload),
      pushToAll: (route, ...[payload]) => this.pushToMany(() => byId.values(), route, payload),
      events: this.topic.subscribe(),
      stats: Effect.flatMap(Deferred.await(this.acceptor), ({ stats }) =>
        Effect.map(stats, (sums) => this.stats(sums))
      ),
      stop: Effect.flatMap(Deferred.await(this.acceptor), ({ stop }) => {
        this.isStopping = true
        return stop
      })
    }
  }

  private stats(sums: Omit<Stats, "groups" | "pushes" | "tooSlow">): Stats {
    const { accepted, dropped, sent } = this.pushes
    return {
      ...sums,
      groups: this.groups.names.length,
      pushes: { sent, dropped, waiting: accepted - sent - dropped },
      tooSlow: this.slow
    }
  }
}
