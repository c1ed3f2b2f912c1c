/**
 * What is told, as a frame: the same for all whom it is told.
 */
import * as Result from "effect/Result"
import { InvalidMessage, UnknownRoute } from "../../ConnectionError.ts"
import { bodyOf, type Route } from "./codec.ts"
import { encode, Kind } from "./packet.ts"

/** The frame of something that is told to a side with these routes; or why it can't be told. */
export const frameOfTell = (
  routes: ReadonlyMap<string, Route>,
  peer: string,
  name: string,
  payload: unknown
): Result.Result<Uint8Array, UnknownRoute | InvalidMessage> => {
  const route = routes.get(name)
  if (route === undefined) return Result.fail(new UnknownRoute({ peer, route: name }))
  return Result.mapBoth(bodyOf(route.payload, payload), {
    onFailure: (detail) => new InvalidMessage({ peer, route: name, part: "payload", foundBy: "this side", detail }),
    onSuccess: (body) => encode(Kind.Tell, 0, body, name)
  })
}
