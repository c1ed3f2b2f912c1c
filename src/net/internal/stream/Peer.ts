/**
 * The other side of a connection, as streams have it: it stays the same over all links, also where each of them is another
 * connection here.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Fiber } from "effect/Fiber"
import * as Stream from "effect/Stream"
import { step } from "../../../channel/internal/step.ts"
import type { Connection, State } from "../../Connection.ts"
import type { ConnectionClosed, RequestError } from "../../ConnectionError.ts"
import { Bell } from "../../transport/internal/Bell.ts"
import type { Route } from "./routes.ts"

/** A stream that the other side is asked to go on with. */
export interface Asked {
  readonly streamId: string
  /** Whether something of it had come by then. */
  readonly hadBegun: boolean
}

/** Is told what becomes of the other side. */
export interface Watching {
  /** What is received from it over a new link. */
  readonly receiving: (peer: Peer) => ReadonlyArray<Asked>
  /** It has a link, and produces these of what was asked for; in the run of that name. */
  readonly onAttached: (peer: Peer, asked: ReadonlyArray<Asked>, producing: ReadonlyArray<string>, run: string) => void
  /** Its link is lost for now. */
  readonly onDown: (peer: Peer, detail: string) => void
  /** It does not come back. */
  readonly onLost: (peer: Peer, detail: string) => void
  readonly patience: Effect.Effect<void>
}

// How long is waited before something is asked again that could not be handled now.
const Pause = "100 millis"

/** Whether it may be answered the next time. */
export const isPassing = (error: RequestError): boolean =>
  error._tag === "Timeout" ||
  error._tag === "Unavailable" ||
  error._tag === "LimitExceeded" ||
  (error._tag === "HandlerFailed" && error.how === "interrupted")

/** Waits where nothing else makes who asks again wait. */
export const pauseAfter = (error: RequestError): Effect.Effect<void> =>
  error._tag === "LimitExceeded" ||
  error._tag === "HandlerFailed" ||
  // It may have failed at once, by a side that takes its leave.
  (error._tag === "Unavailable" && error.delivery === "not sent")
    ? Effect.sleep(Pause)
    : Effect.void

export class Peer {
  readonly id: string
  /** What it is reached over now. */
  connection: Connection<Route>
  /** Why that is closed, if it is. */
  closed: ConnectionClosed | undefined
  /** Which run of the other side's program has answered last. */
  run: string | undefined
  /**
   * How often a connection was linked again: its other side may be another run of its program then. One that has connected to
   * this side is the same as long as its id is.
   */
  relinks = 0
  private readonly linked = new WeakSet<Connection<Route>>()
  /** The streams that there are with it. */
  streams = 0
  readonly fibers = new Set<Fiber<unknown, unknown>>()
  private account: string | undefined
  private readonly watched = new WeakSet<Connection<Route>>()
  private readonly moved = new Bell()

  /** `account`: who it is, where that is known yet. */
  constructor(connection: Connection<Route>, account: string | undefined) {
    this.id = connection.id
    this.connection = connection
    this.account = account
  }

  /** Whether it is the one that it was. */
  isSame(account: string | undefined): boolean {
    this.account ??= account
    return this.account === account
  }

  /** It is reached over this one from now on; answers whether that is not watched yet. */
  move(connection: Connection<Route>): boolean {
    if (connection !== this.connection) {
      this.connection = connection
      this.closed = undefined
      this.moved.ring()
    }
    if (this.watched.has(connection)) return false
    this.watched.add(connection)
    return true
  }

  /** Waits until it is reached over another connection. */
  untilMoved(from: Connection<Route>): Effect.Effect<void> {
    return this.moved.until(() => this.connection !== from)
  }

  /** Watches a connection until that is closed. */
  watch(connection: Connection<Route>, watching: Watching): Effect.Effect<void> {
    return Stream.runForEach(connection.changes, (state) => this.onState(connection, state, watching))
  }

  private onState(connection: Connection<Route>, state: State, watching: Watching): Effect.Effect<void> {
    switch (state._tag) {
      case "Connected":
        if (this.linked.has(connection)) this.relinks++
        this.linked.add(connection)
        return this.attach(connection, watching)
      case "Closed":
        return this.onClosed(connection, state.error, watching)
      default:
        return Effect.sync(() => {
          if (state._tag !== "Idle") watching.onDown(this, "the link is lost")
        })
    }
  }

  // Says over each link what is received, so that the other side sends it over this one.
  private attach(connection: Connection<Route>, watching: Watching): Effect.Effect<void> {
    return Effect.suspend(() => {
      const asked = watching.receiving(this)
      const receiving = asked.map(({ streamId }) => streamId)
      return Effect.matchEffect(connection.request("@stream.attach", { receiving }), {
        onSuccess: ({ producing, run }) => Effect.sync(() => watching.onAttached(this, asked, producing, run)),
        onFailure: (error) => {
          // The next link is another chance, or there is none.
          if (error._tag === "Unavailable" || error._tag === "ConnectionClosed") return Effect.void
          if (!isPassing(error)) return Effect.sync(() => watching.onLost(this, error.message))
          return Effect.andThen(pauseAfter(error), this.attach(connection, watching))
        }
      })
    })
  }

  private onClosed(connection: Connection<Route>, error: ConnectionClosed, watching: Watching): Effect.Effect<void> {
    const lost = step(() => {
      if (this.connection === connection) watching.onLost(this, error.message)
      return Exit.void
    })
    return Effect.suspend(() => {
      if (this.connection !== connection) return Effect.void
      this.closed = error
      watching.onDown(this, error.message)
      return error.by === "this side"
        ? lost
        : Effect.raceFirst(Effect.andThen(watching.patience, lost), this.untilMoved(connection))
    })
  }
}
