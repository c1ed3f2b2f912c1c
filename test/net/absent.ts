/**
 * What a system may lack that some tests need: those are skipped there, and their names say why.
 */
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"

export const runs = (command: string, ...args: ReadonlyArray<string>): boolean => {
  try {
    execFileSync(command, args, { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/** Why the system can't be asked what it has open, if so. */
export const procAbsent: string | undefined = existsSync("/proc/self/fd") ? undefined : "there is no /proc"

/** Why there are no certificates, if so. */
export const opensslAbsent: string | undefined = runs("openssl", "version") ? undefined : "openssl is not installed"

/** For the name of what is skipped. */
export const because = (absent: string | undefined): string => (absent === undefined ? "" : `, absent: ${absent}`)
