/**
 * Documents of contracts, as they are announced and fetched: texts that are looked at by whoever gets them.
 */
import * as Effect from "effect/Effect"
import type { Announcement } from "../../Announcement.ts"
import * as Contract from "../../Contract.ts"
import { ContractRefused, ContractUnavailable, type DirectoryUnavailable, type Flaw } from "../../DirectoryError.ts"

/**
 * How many characters a document may have: two hundred routes of some fields each. Nobody else is served while it is looked
 * at, which is a quarter of a second for one of these; and it travels as a text within JSON, with three bytes to a character at
 * worst, which a frame of the default size has room for.
 */
export const maxDocument = 512 * 1024

/** What is asked for: the document of an announced server, by its fingerprint. */
export interface Asked extends Pick<Announcement, "type" | "instanceId"> {
  readonly fingerprint: string
}

const read = (document: string) =>
  Contract.parse(document).pipe(
    Effect.bindTo("contract"),
    Effect.bind("fingerprint", ({ contract }) => Contract.fingerprint(contract)),
    Effect.mapError(({ detail, path }): Flaw => ({
      reason: "Invalid",
      detail: `${path === "" ? "it" : path} ${detail}`
    })),
    // What somebody has nested for no other reason uses up the stack of whoever looks at it.
    Effect.catchDefect((defect) =>
      defect instanceof RangeError
        ? Effect.fail<Flaw>({ reason: "Invalid", detail: "it has parts that stand too deep in each other" })
        : Effect.die(defect)
    )
  )

const verified = Effect.fnUntraced(function* (
  { contract: announced, type }: Announcement,
  document: string
): Effect.fn.Return<Contract.Contract, Flaw> {
  const { length } = document
  if (length > maxDocument) {
    const detail = `it has ${length} characters, and may have ${maxDocument}`
    return yield* Effect.fail<Flaw>({ reason: "TooLarge", detail })
  }
  const { contract, fingerprint } = yield* read(document)
  if (String(contract.type) !== String(type)) {
    return yield* Effect.fail<Flaw>({ reason: "Different", detail: `it is that of ${contract.type}` })
  }
  if (fingerprint === announced) return contract
  const detail = `its fingerprint is ${fingerprint}, and ${announced ?? "none"} was announced`
  return yield* Effect.fail<Flaw>({ reason: "Different", detail })
})

/** The document of a contract. */
export const written = (contract: Contract.Contract): string => JSON.stringify(Contract.toJson(contract))

/** Looks at what an announcement came with. */
export const accepted = (announcement: Announcement, document: string): Effect.Effect<void, ContractRefused> =>
  Effect.mapError(Effect.asVoid(verified(announcement, document)), (flaw) => {
    const { instanceId, type } = announcement
    return new ContractRefused({ type, instanceId, ...flaw })
  })

/** The contract of an announced server, by what has its document: that is never taken at its word. */
export const fetched = Effect.fnUntraced(function* (
  announcement: Announcement,
  document: (asked: Asked) => Effect.Effect<string | undefined, DirectoryUnavailable>
): Effect.fn.Return<Contract.Contract, ContractUnavailable | DirectoryUnavailable> {
  const { contract: fingerprint, instanceId, type } = announcement
  const unavailable = (flaw: Pick<ContractUnavailable, "reason" | "detail">) =>
    new ContractUnavailable({ type, instanceId, ...flaw })
  if (fingerprint === undefined) {
    return yield* unavailable({ reason: "NotAnnounced", detail: "it was announced without one" })
  }
  const found = yield* document({ type, instanceId, fingerprint })
  if (found === undefined) return yield* unavailable({ reason: "Gone", detail: "the directory does not have it" })
  return yield* Effect.mapError(verified(announcement, found), unavailable)
})
