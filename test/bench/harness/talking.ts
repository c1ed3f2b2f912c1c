/** What is said to a child process, and by it. */
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"

/** The next message of a process; its end is an error. */
export const message = async (child: ChildProcess): Promise<unknown> => {
  const ended = new AbortController()
  const exit = once(child, "exit", { signal: ended.signal }).then(([code]) => {
    throw new Error(`${child.spawnargs.join(" ")} has ended with ${code}`)
  })
  const [said] = (await Promise.race([once(child, "message", { signal: ended.signal }), exit])) as [unknown]
  exit.catch(() => {})
  ended.abort()
  return said
}

/** Says something to one, and waits for what it says. */
export const ask = (child: ChildProcess, what: unknown): Promise<unknown> => {
  const said = message(child)
  child.send(what as object)
  return said
}

/** Ends one that runs. */
export const endOf = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, "exit")
  child.kill("SIGKILL")
  await exit
}
