/**
 * Commands as the runtime knows them.
 */
import type { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"

export interface AnyCommand extends Rpc.AnyWithProps {
  readonly id: number
  readonly module: string
}

export interface ModuleMeta<Name extends string> {
  readonly name: Name
  readonly commands: ReadonlyArray<AnyCommand>
}

const checks = new WeakMap<AnyCommand, (payload: unknown) => boolean>()

/** Makes a command of an rpc. */
export const describe = (rpc: Rpc.AnyWithProps, id: number, module: string): AnyCommand => {
  const command: AnyCommand = Object.assign(rpc, { id, module })
  checks.set(command, Schema.is(rpc.payloadSchema))
  return command
}

/** Whether a payload is one of the command. */
export const accepts = (command: AnyCommand, payload: unknown): boolean => checks.get(command)?.(payload) ?? true
