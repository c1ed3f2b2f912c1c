/**
 * What a program logs, as a test looks at it.
 */
import { type Layer, Logger, References } from "effect"

export interface Logged {
  readonly level: string
  readonly message: string
  readonly annotations: Readonly<Record<string, unknown>>
}

/** Collects what is logged in place of writing it. */
export const collect = (logs: Array<Logged>): Layer.Layer<never> =>
  Logger.layer([
    Logger.make(({ fiber, logLevel, message }) => {
      logs.push({
        level: logLevel,
        message: String(Array.isArray(message) ? message[0] : message),
        annotations: { ...fiber.getRef(References.CurrentLogAnnotations) }
      })
    })
  ])
