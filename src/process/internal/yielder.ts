/**
 * A process, as what it yields needs to know it.
 */
import type { Owner } from "../../dispatch/internal/door.ts"
import type { Cell } from "./cell.ts"
import { issueOf } from "./definition.ts"
import { CurrentProcess } from "./services.ts"

// A layer may have been built in a process: its handlers run for whichever process yields.
const own: ReadonlySet<string> = new Set([CurrentProcess.key])

export const yielderOf = (cell: Cell): Owner => ({
  id: cell.name,
  dispatcher: cell.host.dispatcher,
  checks: cell.host.settings.payloads !== "trusted",
  // A body that begins anew has another one.
  get scope() {
    return cell.scope
  },
  get allowance() {
    return cell.environment.allowance
  },
  own,
  issueOf: (command, payload) => issueOf(command.payloadSchema, payload)
})
