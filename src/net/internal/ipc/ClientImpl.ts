/**
 * A client, as its server has it: its connection, its groups, and what waits for it.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import { afterwards } from "../../../channel/internal/telling.ts"
import type { Connection } from "../../Connection.ts"
import type { Client, DisconnectReason } from "../../IpcServer.ts"
import { FrameTooLarge } from "../../TransportError.ts"
import type { ConnectionImpl } from "../session/ConnectionImpl.ts"
import { faceOf } from "./face.ts"
import type { Pushed } from "./Pushed.ts"
import type { Dismissal, Dismissed } from "./routes.ts"
import type { ServerImpl } from "./ServerImpl.ts"

/** What has become of a push: whether it was accepted, or why not. */
export type Outcome = "accepted" | "NotConnected" | "TooSlow" | FrameTooLarge

export class ClientImpl {
  /** As its users have it. */
  readonly client: Client<Rpc.Any>
  /** Why the server has disconnected it, if it has. */
  dismissal: DisconnectReason | undefined
  private readonly server: ServerImpl
  private readonly connection: ConnectionImpl

  constructor(server: ServerImpl, connection: ConnectionImpl) {
    this.server = server
    this.connection = connection
    const { groups } = server
    const disconnect = (detail: string) => this.dismiss({ reason: "Dismissed", detail })
    this.client = {
      ...faceOf(connection),
      server: server.server,
      push: (route, ...[payload]) => server.pushToOne(this, route, payload),
      groups: Effect.sync(() => groups.of(this)),
      join: (group) => Effect.sync(() => !this.isGone && groups.join(group, this)),
      leave: (group) => Effect.sync(() => groups.leave(group, this)),
      disconnect,
      close: disconnect("")
    }
  }

  get id(): string {
    return this.connection.id
  }

  /** Whether nothing reaches it any more. */
  get isGone(): boolean {
    return this.dismissal !== undefined || this.connection.isClosed
  }

  /** To be called in a step: sends it now or later, and never waits. */
  offer(pushed: Pushed): Outcome {
    if (this.isGone) return "NotConnected"
    const error = this.connection.push(pushed)
    if (error !== undefined) return error instanceof FrameTooLarge ? error : "NotConnected"
    this.server.pushes.accepted++
    const { bytes, length } = this.connection.backlog
    const { backlog } = this.server.settings
    if (length <= backlog.messages && bytes <= backlog.bytes) return "accepted"
    this.dismissal = "TooSlow"
    this.server.onTooSlow()
    const detail = `${length} messages of ${bytes} bytes wait for it`
    afterwards(() => this.server.settings.fork(this.end({ reason: "TooSlow", detail })))
    return "TooSlow"
  }

  private dismiss(dismissal: typeof Dismissal.Type): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.isGone) return Effect.void
      this.dismissal = "Dismissed"
      return this.end(dismissal)
    })
  }

  // It is told as a request, since that need not wait in line behind all that it has not taken.
  private end(dismissal: typeof Dismissal.Type): Effect.Effect<void> {
    const { close } = this.connection
    const connection = this.connection.connection as Connection<typeof Dismissed>
    const told: Effect.Effect<Exit.Exit<unknown, unknown>> = Effect.exit(connection.request("@dismissed", dismissal))
    return Effect.andThen(Effect.forkDetach(told, { startImmediately: true }), close)
  }
}
