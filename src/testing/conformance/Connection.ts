/**
 * What connections keep over every transport, as cases that run against one: for those who write a transport, beside what
 * the transport itself has to keep. It needs no test runner; for vitest there is `it.conforms`.
 */
import { admission } from "./internal/admission.ts"
import { caseOf } from "./internal/caseOf.ts"
import { counting } from "./internal/counting.ts"
import { intruders } from "./internal/intruders.ts"
import { links } from "./internal/links.ts"
import { requests } from "./internal/requests.ts"
import { retries } from "./internal/retries.ts"
import { stopping } from "./internal/stopping.ts"
import { streams } from "./internal/streams.ts"
import { tells } from "./internal/tells.ts"
import type { Case } from "./Transport.ts"

/**
 * Every guarantee of connections, to be run against the subjects of `TransportConformance`.
 *
 * **Example** (What a connection keeps over a transport of one's own)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { ConnectionConformance, Network, type TransportConformance } from "troupe/testing"
 *
 * const subject: TransportConformance.Subject = {
 *   make: Effect.map(Network.make(), (network) => network.transport("near", "far"))
 * }
 *
 * const tested = Effect.forEach(
 *   ConnectionConformance.cases.filter((one) => one.id === "K10"),
 *   (one) =>
 *     Effect.match(Effect.scoped(one.run(subject)), {
 *       onSuccess: () => `kept: ${one.name}`,
 *       onFailure: (error) => error.message
 *     })
 * )
 *
 * await Effect.runPromise(tested) // => ["kept: a slow request holds up no other"]
 * ```
 *
 * @category cases
 */
export const cases: ReadonlyArray<Case> = [
  ...requests,
  ...tells,
  ...retries,
  ...streams,
  ...links,
  ...intruders,
  ...stopping,
  ...admission,
  ...counting
].map(caseOf)
