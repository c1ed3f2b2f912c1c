/**
 * Addresses as data: where somebody listens, told by name, so that it can be kept, sent, and connected to elsewhere.
 */
import { isArrayNonEmpty } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { NotDialable } from "./AddressError.ts"
import { shown } from "./internal/shown.ts"
import * as Strategy from "./Strategy.ts"
import type { Transport } from "./Transport.ts"

/**
 * Where somebody listens, by the name of the transport: it compares by value.
 *
 * **Details**
 *
 * - `transport`: what it is: `unix`, `tcp`, … or a user's own.
 * - `address`: where it leads, as the transport prints it: a path, a host and a port, a URL.
 * - `options`: what a client has to know besides, as texts.
 *
 * It is its own schema, by which it travels.
 *
 * @category models
 */
export class Address extends Schema.Class<Address>("troupe/net/Address")({
  transport: Schema.NonEmptyString.check(Schema.isMaxLength(64)),
  address: Schema.NonEmptyString.check(Schema.isMaxLength(1024)),
  options: Schema.Record(Schema.String, Schema.String).check(
    Schema.makeFilter((options: Readonly<Record<string, string>>) => Object.keys(options).length <= 16, {
      expected: "16 options at most"
    })
  )
}) {
  override toString(): string {
    return `${this.transport} ${this.address}`
  }
}

/**
 * Makes the address of a transport: take that of the listening, which has the port that the system chose.
 *
 * **Details**
 *
 * - `options`: none when absent. Those of the transports that come with Troupe are described at their `dialer`.
 *
 * **Example** (Of a unix socket)
 *
 * ```ts import.meta.vitest
 * import { Address } from "troupe/net"
 * import * as Unix from "troupe/net/unix"
 *
 * String(Address.of(Unix.make({ path: "/run/echo.sock" }))) // => "unix /run/echo.sock"
 * ```
 *
 * @category constructors
 */
export const of = (transport: Transport, options: Readonly<Record<string, string>> = {}): Address =>
  new Address({ transport: transport.name, address: transport.address, options })

/**
 * One that makes transports of the addresses of one kind.
 *
 * **Details**
 *
 * What it makes is what this program connects to: `dial` decides by what it was told itself, such as the authorities that it
 * trusts, and not by what an address says. It fails with why an address is none of its kind.
 *
 * @category models
 */
export interface Dialer {
  /** The name of the transport. */
  readonly transport: string
  readonly dial: (address: Address) => Effect.Effect<Transport, string>
}

/**
 * Has addresses of a transport's name lead to that very transport: for one in memory, which has no other name, and for tests.
 *
 * @category dialers
 */
export const dialer = (transport: Transport): Dialer => ({
  transport: transport.name,
  dial: ({ address }) =>
    address === transport.address
      ? Effect.succeed(transport)
      : Effect.fail(`${shown(address)} is not ${shown(transport.address)}`)
})

/**
 * Makes the way to somebody of the addresses that it has, in their order; those that no dialer knows are left out.
 *
 * **Errors**
 *
 * `NotDialable` when none is left, with the reason for each.
 *
 * **Example** (A way over TCP, for who has no unix sockets)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Address } from "troupe/net"
 * import * as Tcp from "troupe/net/tcp"
 * import * as Unix from "troupe/net/unix"
 *
 * const addresses = [
 *   Address.of(Unix.make({ path: "/run/echo.sock" })),
 *   Address.of(Tcp.make({ host: "10.0.0.7", port: 4000 }))
 * ]
 *
 * const program = Effect.gen(function* () {
 *   const strategy = yield* Address.strategy(addresses, [Tcp.dialer()])
 *   const refused = yield* Effect.flip(Address.strategy(addresses, []))
 *   return [strategy.transports.map(({ address }) => address), refused.attempts.length]
 * })
 * Effect.runSync(program) // => [["10.0.0.7:4000"], 2]
 * ```
 *
 * @category strategies
 */
export const strategy = Effect.fnUntraced(function* (
  addresses: ReadonlyArray<Address>,
  dialers: ReadonlyArray<Dialer>
): Effect.fn.Return<Strategy.Strategy, NotDialable> {
  const transports: Array<Transport> = []
  const attempts: Array<NotDialable["attempts"][number]> = []
  for (const one of addresses) {
    const { address, transport } = one
    const known = dialers.find((dialer) => dialer.transport === transport)
    const dialed = yield* Effect.result(
      known === undefined ? Effect.fail("there is no dialer for it") : known.dial(one)
    )
    if (dialed._tag === "Success") transports.push(dialed.success)
    else attempts.push({ transport, address, detail: dialed.failure })
  }
  if (isArrayNonEmpty(transports)) return Strategy.of(...transports)
  return yield* new NotDialable({ attempts })
})
