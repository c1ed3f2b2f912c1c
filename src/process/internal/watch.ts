/**
 * One watch over a process, which tells the watching process of the exit once.
 */
import * as Exit from "effect/Exit"
import type { Rpc } from "effect/rpc"
import type { Pid } from "../Pid.ts"
import { NoProcess } from "../ProcessError.ts"
import type { Monitor } from "../ProcessEvent.ts"
import { Few } from "../../scheduler/internal/Few.ts"
import type { Cell } from "./cell.ts"
import type { Far } from "./remote.ts"
import type { Watcher } from "./watcher.ts"

export class MonitorImpl implements Monitor<Rpc.Any>, Watcher {
  readonly pid: Pid<Rpc.Any>
  readonly #self: Cell
  #off: (() => void) | undefined = undefined
  #done: (() => void) | undefined = undefined

  private constructor(self: Cell, pid: Pid) {
    this.#self = self
    // What a process takes is known to the compiler alone.
    this.pid = pid as Pid<Rpc.Any>
  }

  /** Watches a process; one that is gone is told of at once. */
  static start(self: Cell, target: Cell): MonitorImpl {
    const monitor = new MonitorImpl(self, target.pid)
    if (target.status === "ended") {
      monitor.tell(noProcess(target.pid))
      return monitor
    }
    monitor.keep(target.watch(monitor))
    return monitor
  }

  /** Watches a process of another node. */
  static startFar(self: Cell, pid: Pid, far: Far): MonitorImpl {
    const monitor = new MonitorImpl(self, pid)
    let isOver = false
    const unwatch = far.watch((exit) => {
      isOver = true
      monitor.forget()
      monitor.tell(exit)
    })
    if (!isOver) monitor.keep(unwatch)
    return monitor
  }

  /** The watch over a pid that leads to no process. */
  static ofNothing(self: Cell, pid: Pid): MonitorImpl {
    const monitor = new MonitorImpl(self, pid)
    monitor.tell(noProcess(pid))
    return monitor
  }

  onExit(_cell: Cell, exit: Exit.Exit<unknown, unknown>): void {
    this.forget()
    this.tell(exit)
  }

  /** Calls the watch off. */
  stop(): void {
    this.#off?.()
    this.forget()
  }

  /** Calls `tell` when the watch ends, in the step in which it tells of the exit or is called off; at once when it has. */
  onDone(tell: () => void): void {
    const before = this.#done
    if (this.#off === undefined) return tell()
    this.#done = () => {
      before?.()
      tell()
    }
  }

  private keep(unwatch: () => void): void {
    this.#off = unwatch
    ;(this.#self.watches ??= new Few()).add(unwatch)
  }

  private forget(): void {
    if (this.#off !== undefined) this.#self.watches?.delete(this.#off)
    this.#off = undefined
    this.#done?.()
    this.#done = undefined
  }

  private tell(exit: Exit.Exit<unknown, unknown>): void {
    this.#self.tell({ _tag: "Exit", from: this.pid, monitor: this, exit })
  }
}

/** The exit of a process that was gone before it could be watched. */
export const noProcess = (pid: Pid): Exit.Exit<never, NoProcess> => Exit.fail(new NoProcess({ target: String(pid) }))
