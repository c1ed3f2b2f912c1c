/**
 * What invokers and instances say to each other: each function in an envelope, and how the instance is.
 */
import { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import { InvalidMessage } from "../../ConnectionError.ts"
import type { Functions } from "../../Invocation.ts"
import * as Protocol from "../../Protocol.ts"

/** Whether the instance can do what it is there for; fails with why not. */
export const Health = Rpc.make("@health", { error: Schema.String })

/** The instance could not read an input, or write an output. */
const Invalid = Schema.Struct({ invalid: Schema.Struct({ part: InvalidMessage.fields.part, detail: Schema.String }) })

export type Invalid = typeof Invalid.Type

/** The error of a function, which its own envelope tells from those of connections. */
export interface Failed {
  readonly failed: unknown
}

const enveloped = ({ _tag, errorSchema }: Rpc.AnyWithProps): Rpc.Any =>
  Rpc.make(_tag, {
    payload: Schema.Uint8Array,
    success: Schema.Uint8Array,
    error: Schema.Union([Schema.Struct({ failed: errorSchema }), Invalid])
  })

/** What is said about functions. */
export const protocolOf = ({ name, rpcs }: Functions<Rpc.Any>): Protocol.Protocol<Rpc.Any, never> =>
  Protocol.make(name, { server: [...(rpcs as ReadonlyArray<Rpc.AnyWithProps>).map(enveloped), Health] })
