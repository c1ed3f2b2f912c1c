/**
 * A directory of another program, over a connection.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { Connection } from "../../Connection.ts"
import {
  type AnnouncementRefused,
  ContractRefused,
  DirectoryUnavailable,
  type LeaseLost
} from "../../DirectoryError.ts"
import type { Backend } from "./Backend.ts"
import type { DirectoryRoutes } from "./protocol.ts"

const unavailable = ({ message }: { readonly message: string }) =>
  new DirectoryUnavailable({ detail: message, lastKnown: undefined })

const isLasting = ({ _tag }: { readonly _tag: string }): boolean =>
  ["ConnectionClosed", "UnknownRoute", "PermissionDenied", "InvalidMessage"].includes(_tag)

// A stream that has ended with its link is asked for again when there is another one, or might be.
const again = Schedule.spaced("200 millis")

/** How long a withdrawal may take: a scope waits for it, and its lease ends without it. */
const farewell = Duration.seconds(1)

export const remote = (
  connection: Connection<DirectoryRoutes>,
  timeout: Duration.Input
): Backend<DirectoryUnavailable> => ({
  announce: (announcement, holder, milliseconds, document) =>
    Effect.mapError(
      connection.request("announce", { announcement, holder, milliseconds, document }, { timeout }),
      (error): AnnouncementRefused | ContractRefused | DirectoryUnavailable => {
        if (error._tag === "AnnouncementRefused" || error._tag === "ContractRefused") return error
        if (error._tag !== "FrameTooLarge" || document === undefined) return unavailable(error)
        const { instanceId, type } = announcement
        return new ContractRefused({ type, instanceId, reason: "TooLarge", detail: error.message })
      }
    ),
  renew: ({ holder, instanceId, type }, { health, load }) =>
    Effect.mapError(
      connection.request("renew", { type, instanceId, holder, health, load }, { timeout }),
      (error): LeaseLost | DirectoryUnavailable => (error._tag === "LeaseLost" ? error : unavailable(error))
    ),
  withdraw: ({ holder, instanceId, type }) =>
    Effect.mapError(connection.request("withdraw", { type, instanceId, holder }, { timeout: farewell }), unavailable),
  list: ({ manufacturer, name }) =>
    Effect.mapError(connection.request("list", { manufacturer, name }, { timeout }), unavailable),
  document: (asked) => Effect.mapError(connection.request("contract", asked, { timeout }), unavailable),
  watch: ({ manufacturer, name }) =>
    connection.stream("watch", { manufacturer, name }).pipe(
      Stream.concat(Stream.fail({ _tag: "Ended", message: "It has ended the stream." })),
      Stream.retry(($) => $(again).pipe(Schedule.while(({ input }) => !isLasting(input)))),
      Stream.mapError(unavailable)
    ),
  // It begins with what is so now.
  linked: connection.changes.pipe(
    Stream.drop(1),
    Stream.filter(({ _tag }) => _tag === "Connected"),
    Stream.runHead,
    Effect.andThen((found) => (Option.isSome(found) ? Effect.void : Effect.never))
  )
})
