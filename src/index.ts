/**
 * Troupe: Erlang's processes for Effect.
 */
export * as Selectable from "./channel/Selectable.ts"
export * as Select from "./channel/Select.ts"
export * as DeadLetter from "./process/DeadLetter.ts"
export * as Group from "./process/Group.ts"
export * as Inbox from "./process/Inbox.ts"
export * as Message from "./process/Message.ts"
export * as Name from "./process/Name.ts"
export * as Pid from "./process/Pid.ts"
export * as Process from "./process/Process.ts"
export * as ProcessError from "./process/ProcessError.ts"
export * as ProcessEvent from "./process/ProcessEvent.ts"
export * as ProcessHost from "./process/ProcessHost.ts"
export * as Registry from "./process/Registry.ts"
export * as RunQueue from "./scheduler/RunQueue.ts"
export * as TerminalHost from "./process/TerminalHost.ts"
