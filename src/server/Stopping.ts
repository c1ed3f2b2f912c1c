/**
 * Ending a server, or a state machine, in order.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { cellAt } from "../process/internal/delivery.ts"
import { cellOf, withHost } from "../process/internal/services.ts"
import type { Address } from "../process/Name.ts"
import * as Process from "../process/Process.ts"
import { ProcessNotFound } from "../process/ProcessError.ts"
import type { ProcessHost } from "../process/internal/services.ts"
import { known } from "./internal/known.ts"
import { NotAServer } from "./ServerError.ts"

/**
 * Ends a server, or a state machine, when it has handled what waits in its inbox, and waits until it is gone.
 *
 * **Details**
 *
 * From the step in which it is stopped, the server takes no more: sends and calls fail with `ProcessClosed`, those too that
 * wait for space in its inbox. It ends with a success, its finalizers run, and then the effect succeeds; so does that of a
 * second stop meanwhile. If it ends otherwise before, the effect succeeds as well. A server that stops itself does not
 * wait. An interrupted stop waits no longer; the server ends all the same.
 *
 * What is put aside in a stash, what a state machine has postponed, what would have become due later, and calls whose
 * reply was put off with `Server.later` are not waited for.
 *
 * **Errors**
 *
 * - `ProcessNotFound`: there is no process under the pid or name.
 * - `NotAServer`: the process is neither a server nor a state machine.
 *
 * **Example** (Handling what waits)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import { Process, ProcessHost, Server } from "troupe"
 *
 * const printed: Array<string> = []
 * const Printer = Server.make("app:printer", { protocol: [Rpc.make("print", { payload: Schema.String })] })
 * const PrinterLive = Printer.toLayer(() =>
 *   Effect.succeed(Printer.of({ handlers: { print: (page) => Effect.sync(() => void printed.push(page)) } }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const printer = yield* Process.start(Printer)
 *   for (const page of ["1", "2", "3"]) yield* Process.send(printer, "print", page)
 *   yield* Server.stop(printer)
 *   return printed
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [PrinterLive, ProcessHost.layer("app:processes")]))
 * // => ["1", "2", "3"]
 * ```
 *
 * @category ending
 */
export const stop = (server: Address): Effect.Effect<void, ProcessNotFound | NotAServer, ProcessHost> =>
  withHost((host, fiber): Effect.Effect<void, ProcessNotFound | NotAServer, ProcessHost> => {
    const cell = cellAt(host, server)
    if (cell === undefined || cell.status === "ended") {
      return Exit.fail(new ProcessNotFound({ target: String(server) }))
    }
    const { definition, pid } = cell
    if (!known.has(definition)) return Exit.fail(new NotAServer({ target: cell.name, process: definition.name }))
    cell.drain()
    return cellOf(fiber) === cell ? Exit.void : Effect.asVoid(Process.await(pid))
  })
