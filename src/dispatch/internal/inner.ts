/**
 * What a handler does on behalf of a process: a recording has the command and its answer, and nothing of what went on in
 * between, since a replay calls no handler.
 */
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"

/** Whether a handler runs, for the process that has yielded. */
export const Inner = Context.Reference<boolean>("troupe/dispatch/internal/Inner", { defaultValue: () => false })

/** Whether the fiber does the work of a handler at present. */
export const isInner = ({ context }: Fiber.Fiber<unknown, unknown>): boolean => Context.get(context, Inner)
