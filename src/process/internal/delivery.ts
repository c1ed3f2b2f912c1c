/**
 * The way of a message from an address to a process.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Address, isName } from "../Name.ts"
import { ProcessNotFound, type SendError } from "../ProcessError.ts"
import type { Cell } from "./cell.ts"
import { refusalOf } from "./definition.ts"
import { freeze } from "./freeze.ts"
import type { HostImpl } from "./host.ts"
import type { When } from "./inbox.ts"
import type { MessageImpl } from "./message.ts"
import type { NodeImpl } from "./node.ts"
import { Far } from "./remote.ts"

/** The process at an address, if there is one. */
export const cellAt = (host: HostImpl, to: Address): Cell | undefined =>
  isName(to) ? host.node.named(to) : host.node.resolve(to)

/** The process at an address, if it takes messages; else where it is, or why the message can't be sent. */
export const receiverOf = (host: HostImpl, to: Address, message: MessageImpl): Cell | Far | SendError => {
  const cell = cellAt(host, to)
  if (cell !== undefined) return cell.refusal(message) ?? cell
  return Far.at(host.node, to) ?? absenceOf(host.node, to, message)
}

/** Why a message can't be sent to an address of this node that leads to no process. */
export const absenceOf = (node: NodeImpl, to: Address | string, message: MessageImpl): SendError => {
  const stopped = typeof to === "string" || isName(to) ? undefined : node.hosts.get(to.host)?.refusal(message)
  return stopped ?? new ProcessNotFound({ target: String(to), request: message.request })
}

/** Whether there is no process of this node that takes the message. */
export const isElsewhere = (found: Cell | Far | SendError): found is Far | SendError => "_tag" in found

/** Hands a message to a process; the effect ends in the step in which it is accepted. */
export const deliver = (cell: Cell, message: MessageImpl, when?: When): Effect.Effect<void, SendError> =>
  offer(cell, message, when) ?? cell.queueFor(message.topic).sendWhenThereIsSpace(message)

/**
 * Has a process accept or refuse a message, in the way in which its host handles payloads; answers nothing where the
 * sender has to wait for space.
 */
export const offer = (cell: Cell, message: MessageImpl, when?: When): Exit.Exit<void, SendError> | undefined => {
  const { payloads } = cell.host.settings
  if (payloads !== "trusted") {
    const refusal = refusalOf(cell.definition, cell.pid, message)
    if (refusal !== undefined) return Exit.fail(refusal)
    if (payloads === "frozen") freeze(message.payload)
  }
  return cell.accept(message, when)
}
