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
import type { Watch, Watcher } from "./watcher.ts"

/** Where the watch is kept, until it is over. */
interface Watched {
  unwatch(watcher: Watcher): void
}

export class MonitorImpl implements Monitor<Rpc.Any>, Watcher, Watch {
  readonly pid: Pid<Rpc.Any>
  readonly #self: Cell
  #watched: Watched | undefined = undefined
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
    target.watch(monitor)
    monitor.keep(target)
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
    if (!isOver) monitor.keep({ unwatch })
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
    this.callOff()
    this.forget()
  }

  /** As {@link stop}, where the process that watches has ended. */
  callOff(): void {
    this.#watched?.unwatch(this)
  }

  /** Calls `tell` when the watch ends, in the step in which it tells of the exit or is called off; at once when it has. */
  onDone(tell: () => void): void {
    const before = this.#done
    if (this.#watched === undefined) return tell()
    this.#done = () => {
      before?.()
      tell()
    }
  }

  private keep(watched: Watched): void {
    this.#watched = watched
    ;(this.#self.watches ??= new Few()).add(this)
  }

  private forget(): void {
    if (this.#watched !== undefined) this.#self.watches?.delete(this)
    this.#watched = undefined
    this.#done?.()
    this.#done = undefined
  }

  private tell(exit: Exit.Exit<unknown, unknown>): void {
    this.#self.tell({ _tag: "Exit", from: this.pid, monitor: this, exit })
  }
}

/** The exit of a process that was gone before it could be watched. */
export const noProcess = (pid: Pid): Exit.Exit<never, NoProcess> => Exit.fail(new NoProcess({ target: String(pid) }))
