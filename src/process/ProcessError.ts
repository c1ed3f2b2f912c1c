/**
 * The typed errors of processes: each names what it is about and says what to do next.
 */
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"

/**
 * A text is not a pid.
 *
 * @category errors
 */
export class InvalidPid extends Schema.TaggedError<InvalidPid>()("InvalidPid", {
  input: Schema.String
}) {
  override get message(): string {
    return `${JSON.stringify(this.input)} is not a pid. A pid reads {host|0x00004} or {node@host|0x00004}.`
  }
}

// Whether a pid is one of another node.
const namesNode = /^\{[^|]*@/

/**
 * The schema of {@link Request}.
 *
 * @category schemas
 */
export const Request = Schema.Struct({ topic: Schema.String, payload: Schema.Unknown })

/**
 * What was sent, or called with, and not handled. Every error of a send or call gives it back as `request`; messages of
 * errors name its topic alone, since a payload may be large, or secret.
 *
 * @category models
 */
export type Request = typeof Request.Type

/**
 * No process lives under a pid or name: it has ended, or never was. There is a `request` where one was sent there.
 *
 * @category errors
 */
export class ProcessNotFound extends Schema.TaggedError<ProcessNotFound>()("ProcessNotFound", {
  target: Schema.String,
  request: Schema.optional(Request)
}) {
  override get message(): string {
    const none = `There is no process ${this.target}: it has ended, or never was. Monitor a process to learn of its end, or listen to the registry to learn when a name is taken.`
    return namesNode.test(this.target)
      ? `${none} If it is on its node: one of another node takes messages, and is watched, linked and ended; ask all else of it there.`
      : none
  }
}

/**
 * A process is about to end and takes no more messages. There is a `request` where one was sent to it.
 *
 * @category errors
 */
export class ProcessClosed extends Schema.TaggedError<ProcessClosed>()("ProcessClosed", {
  target: Schema.String,
  request: Schema.optional(Request)
}) {
  override get message(): string {
    return `The process ${this.target} is ending and takes no more messages. Monitor it to learn when it is gone.`
  }
}

/**
 * A process is down and will be restarted; a call can't be answered meanwhile.
 *
 * @category errors
 */
export class ProcessRestarting extends Schema.TaggedError<ProcessRestarting>()("ProcessRestarting", {
  target: Schema.String,
  request: Request
}) {
  override get message(): string {
    return `The process ${this.target} is being restarted and answers no calls meanwhile. Send a message, which waits for it, or call again later.`
  }
}

/**
 * An inbox with the policy `reject` is full.
 *
 * @category errors
 */
export class InboxFull extends Schema.TaggedError<InboxFull>()("InboxFull", {
  target: Schema.String,
  request: Request,
  capacity: Schema.Number
}) {
  override get message(): string {
    return `The inbox of ${this.target} is full (${this.capacity} messages), so "${this.request.topic}" was not accepted. Send later, give the inbox more capacity, or choose another overflow policy.`
  }
}

/**
 * A message does not fit what its receiver takes: it came from outside, or past the types.
 *
 * **Details**
 *
 * `reason` says why: `UnknownTopic`, the receiver takes no such topic; `ReservedTopic`, topics that begin with `@` are
 * the system's own; `InvalidPayload`, the payload does not fit the topic's schema. On the way to another node also:
 * `UnknownSchema`, the schema by which the payload would cross is not known here; `TooLarge`, it does not fit into a frame of
 * the connection; `InvalidAnswer`, the answer to a call could not cross.
 *
 * @category errors
 */
export class InvalidMessage extends Schema.TaggedError<InvalidMessage>()("InvalidMessage", {
  target: Schema.String,
  request: Request,
  reason: Schema.Literals([
    "UnknownTopic",
    "ReservedTopic",
    "InvalidPayload",
    "UnknownSchema",
    "TooLarge",
    "InvalidAnswer"
  ]),
  detail: Schema.String
}) {
  override get message(): string {
    return this.reason === "InvalidAnswer"
      ? `The answer of ${this.target} to "${this.request.topic}" did not cross: ${this.detail}`
      : `The message "${this.request.topic}" to ${this.target} was not sent: ${this.detail}`
  }
}

/**
 * The arguments of a spawn do not fit the schema of the process.
 *
 * @category errors
 */
export class InvalidArguments extends Schema.TaggedError<InvalidArguments>()("InvalidArguments", {
  process: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The process ${this.process} was not started, since its arguments do not fit its schema: ${this.detail}`
  }
}

/**
 * A process definition has no implementation where it is spawned.
 *
 * @category errors
 */
export class DefinitionNotFound extends Schema.TaggedError<DefinitionNotFound>()("DefinitionNotFound", {
  process: Schema.String
}) {
  override get message(): string {
    return `There is no implementation of the process ${this.process} here. Make one with its toLayer, and provide that layer to what spawns it.`
  }
}

/**
 * The body of a process did not answer with an effect.
 *
 * @category errors
 */
export class InvalidBody extends Schema.TaggedError<InvalidBody>()("InvalidBody", {
  process: Schema.String,
  received: Schema.String
}) {
  override get message(): string {
    return `The body of the process ${this.process} answered with ${this.received} and not with an Effect. Write it with Effect.fn or Effect.gen, and wrap promises with Effect.promise or Effect.tryPromise.`
  }
}

/**
 * No host of this name is in the application.
 *
 * @category errors
 */
export class HostNotFound extends Schema.TaggedError<HostNotFound>()("HostNotFound", {
  host: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const known = this.known.length === 0 ? "There are none" : `There are: ${this.known.join(", ")}`
    return `There is no host "${this.host}". ${known}. Provide ProcessHost.layer("${this.host}").`
  }
}

/**
 * A host is stopping, or has stopped: it starts no process and takes no message. There is a `request` where one was sent
 * to one of its processes.
 *
 * @category errors
 */
export class HostStopped extends Schema.TaggedError<HostStopped>()("HostStopped", {
  host: Schema.String,
  request: Schema.optional(Request)
}) {
  override get message(): string {
    return `The host "${this.host}" is stopping or has stopped; it starts no process and takes no message.`
  }
}

/**
 * A host of this name is in the application already.
 *
 * @category errors
 */
export class HostAlreadyExists extends Schema.TaggedError<HostAlreadyExists>()("HostAlreadyExists", {
  host: Schema.String
}) {
  override get message(): string {
    return `There is a host "${this.host}" already. Give each host of an application a name of its own.`
  }
}

/**
 * An option has a value that it can't have.
 *
 * @category errors
 */
export class InvalidOption extends Schema.TaggedError<InvalidOption>()("InvalidOption", {
  subject: Schema.String,
  option: Schema.String,
  value: Schema.String,
  expected: Schema.String
}) {
  override get message(): string {
    return `The option "${this.option}" of ${this.subject} is ${this.value}; it must be ${this.expected}.`
  }
}

/**
 * A name belongs to another process.
 *
 * @category errors
 */
export class AlreadyRegistered extends Schema.TaggedError<AlreadyRegistered>()("AlreadyRegistered", {
  name: Schema.String,
  owner: Schema.String
}) {
  override get message(): string {
    return `The name "${this.name}" belongs to ${this.owner}. It is free again when that process ends or unregisters it.`
  }
}

/**
 * A process called itself, which could never be answered.
 *
 * @category errors
 */
export class CallingSelf extends Schema.TaggedError<CallingSelf>()("CallingSelf", {
  target: Schema.String,
  request: Request
}) {
  override get message(): string {
    return `The process ${this.target} called itself with "${this.request.topic}" and would wait for ever. Send the message instead, or run the work in place.`
  }
}

/**
 * A call was not answered in time; an answer that comes later is dropped.
 *
 * `cycle`: the processes around which it waited for itself, when it did: each was called by the one before it, and the last is
 * the first again. Calls to processes of other nodes are not followed.
 *
 * @category errors
 */
export class CallTimeout extends Schema.TaggedError<CallTimeout>()("CallTimeout", {
  target: Schema.String,
  request: Request,
  milliseconds: Schema.Number,
  cycle: Schema.optionalKey(Schema.Array(Schema.String))
}) {
  override get message(): string {
    const what = `${this.target} did not answer "${this.request.topic}" within ${this.milliseconds} ms`
    return this.cycle === undefined
      ? `${what}. It may still handle the call; its answer will be dropped.`
      : `${what}, since they wait for each other: ${this.cycle.join(" called ")}. Send on the way back instead, or have a server handle calls side by side.`
  }
}

/**
 * The called process ended before it answered.
 *
 * @category errors
 */
export class CalleeExited extends Schema.TaggedError<CalleeExited>()("CalleeExited", {
  target: Schema.String,
  request: Request,
  exit: Schema.Any
}) {
  override get message(): string {
    const exit: Exit.Exit<unknown, unknown> = this.exit
    const how = Exit.isSuccess(exit) ? "it ended normally" : Cause.pretty(exit.cause)
    return `${this.target} ended before it answered "${this.request.topic}": ${how}`
  }
}

/**
 * The message of a call was dropped by the overflow policy of the callee's inbox, and will never be answered.
 *
 * @category errors
 */
export class MessageDropped extends Schema.TaggedError<MessageDropped>()("MessageDropped", {
  target: Schema.String,
  request: Request
}) {
  override get message(): string {
    return `The inbox of ${this.target} was full and dropped the call "${this.request.topic}", as its policy says. Call again later, give the inbox more capacity, or choose another overflow policy.`
  }
}

/**
 * A call was answered before.
 *
 * @category errors
 */
export class AlreadyReplied extends Schema.TaggedError<AlreadyReplied>()("AlreadyReplied", {
  topic: Schema.String
}) {
  override get message(): string {
    return `The call "${this.topic}" was answered before; only the first answer reaches the caller.`
  }
}

/**
 * There is no connection to the node of a process, or it was lost. There is a `request` where one was sent to it.
 *
 * **Details**
 *
 * `reason`: `NotConnected`, nothing was sent; `Lost`, the connection was lost before the answer came, so that the other node
 * may or may not have done what it was asked. As the exit of a process that was watched, `Lost` tells that nobody knows
 * whether it still runs.
 *
 * @category errors
 */
export class NoConnection extends Schema.TaggedError<NoConnection>()("NoConnection", {
  node: Schema.String,
  target: Schema.String,
  reason: Schema.Literals(["NotConnected", "Lost"]),
  request: Schema.optional(Request)
}) {
  override get message(): string {
    return this.reason === "NotConnected"
      ? `There is no connection to the node "${this.node}", where ${this.target} is looked for. Connect the two with Node.connect, or wait until Node.events tells that it is there.`
      : `The connection to the node "${this.node}" was lost, and with it what is known of ${this.target}. Node.events tells when the node is there again; look there what became of it.`
  }
}

/**
 * How a process of another node failed, where its typed error can't cross as it is.
 *
 * **Details**
 *
 * A plain JSON value, `Shutdown`, `NoProcess` and `NoConnection` cross as they are, since every node has them. `kind` and
 * `detail` are the name and message of any other; `error` is its JSON, if it is made with a schema, for that schema to
 * decode.
 *
 * @category errors
 */
export class RemoteFailure extends Schema.TaggedError<RemoteFailure>()("RemoteFailure", {
  kind: Schema.String,
  detail: Schema.String,
  error: Schema.optional(Schema.Unknown)
}) {
  override get message(): string {
    return `A process of another node failed with ${this.kind}: ${this.detail}`
  }
}

/**
 * How the exit of a process reads that was gone when it was monitored, linked or awaited.
 *
 * @category errors
 */
export class NoProcess extends Schema.TaggedError<NoProcess>()("NoProcess", {
  target: Schema.String
}) {
  override get message(): string {
    return `The process ${this.target} was gone before it could be watched.`
  }
}

/**
 * An orderly end for a reason: whoever supervises the process treats it as a normal one, and it is not reported.
 *
 * **Example** (Ending in order, with a reason)
 *
 * ```ts import.meta.vitest
 * import { Effect, Exit } from "effect"
 * import { Process, ProcessError, ProcessHost } from "troupe"
 *
 * const Job = Process.make("app:job")
 * const JobLive = Job.toLayer(() => Effect.fail(new ProcessError.Shutdown({ reason: "nothing left to do" })))
 *
 * const program = Effect.flatMap(Process.spawn(Job), Process.await)
 * await Effect.runPromise(Effect.provide(program, [JobLive, ProcessHost.layer("app:processes")]))
 * // => Exit.fail(new ProcessError.Shutdown({ reason: "nothing left to do" }))
 * ```
 *
 * @category errors
 */
export class Shutdown extends Schema.TaggedError<Shutdown>()("Shutdown", {
  reason: Schema.Any
}) {
  override readonly [Runtime.errorReported] = false

  override get message(): string {
    return `The process ended in order: ${String(this.reason)}`
  }
}

/**
 * Why a message can't be sent.
 *
 * @category errors
 */
export type SendError = ProcessNotFound | ProcessClosed | HostStopped | InboxFull | InvalidMessage | NoConnection

/**
 * Why a process can't be started.
 *
 * @category errors
 */
export type SpawnError = HostNotFound | HostStopped | InvalidArguments | InvalidOption | DefinitionNotFound

/**
 * Why a call got no answer of its callee.
 *
 * @category errors
 */
export type CallError = SendError | ProcessRestarting | CallingSelf | CallTimeout | CalleeExited | MessageDropped

/**
 * Standard output or standard error could not be written: a full disk, for instance.
 *
 * @category errors
 */
export class TerminalFailed extends Schema.TaggedError<TerminalFailed>()("TerminalFailed", {
  stream: Schema.Literals(["output", "error"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `Standard ${this.stream} could not be written: ${this.detail}. What was written before may be incomplete.`
  }
}

/**
 * Standard output or standard error takes no more text: its reader has gone.
 *
 * **Details**
 *
 * A process that ends with it is not reported, since there may be nobody left to read the report.
 *
 * @category errors
 */
export class TerminalClosed extends Schema.TaggedError<TerminalClosed>()("TerminalClosed", {
  stream: Schema.Literals(["output", "error"]),
  detail: Schema.String
}) {
  override readonly [Runtime.errorReported] = false

  override get message(): string {
    return `Standard ${this.stream} is closed: ${this.detail}`
  }
}
