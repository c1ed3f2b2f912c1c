/** Writes what may be lost: when nobody reads it any more, that does not end this program. */
import type { Writable } from "node:stream"

const ignored = () => {}

export const writeLossy = (stream: Writable, text: string): void => {
  stream.write(text, (error) => {
    // The stream emits it after this. Whoever else listens hears it, and other writes fail as they did before.
    if (error && stream.listenerCount("error") === 0) stream.once("error", ignored)
  })
}
