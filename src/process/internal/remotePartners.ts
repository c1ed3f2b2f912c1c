/**
 * The links between processes of this node and processes of another one: each side keeps its own end.
 *
 * What the two sides say may cross on the way. A side that has asked for a link, and has no answer yet, knows that the other
 * one had not heard of it when it said what arrives in between; so that speaks of an earlier link, or of none.
 */
import * as Exit from "effect/Exit"
import type { Pid } from "../Pid.ts"
import { type NoConnection, ProcessNotFound } from "../ProcessError.ts"
import type { Cell } from "./cell.ts"
import { exitFromWire, exitToWire } from "./remoteExit.ts"
import type { RemoteNode } from "./remoteLink.ts"
import type { Answer, ExitWire } from "./remoteSignal.ts"
import type { Watcher } from "./watcher.ts"

/** This side's end of a link. */
class Partner implements Watcher {
  readonly cell: Cell
  readonly pid: Pid
  /** Whether the other side has its end. */
  isLinked = false
  /** How often this side has asked the other one for it, and has no answer yet. */
  asking = 0
  private readonly partners: Partners

  constructor(partners: Partners, cell: Cell, pid: Pid) {
    this.partners = partners
    this.cell = cell
    this.pid = pid
    cell.watch(this)
  }

  onExit(_cell: Cell, exit: Exit.Exit<unknown, unknown>): void {
    this.partners.leave(this, exit)
  }

  onRestart(cell: Cell, exit: Exit.Exit<unknown, unknown>): void {
    if (cell.keeper?.links !== "break") return
    this.drop()
    this.partners.leave(this, exit)
  }

  /** The process of the other side has ended. */
  end(exit: Exit.Exit<unknown, unknown>): void {
    this.drop()
    const { cell, pid } = this
    if (cell.trapsExits) cell.tell({ _tag: "LinkDown", from: pid, exit })
    else if (Exit.isFailure(exit)) cell.stop(exit)
  }

  drop(): void {
    this.cell.unwatch(this)
  }
}

export class Partners {
  private readonly node: RemoteNode
  // By the process of this node, and the other one's pid as it crosses.
  private readonly all = new Map<Cell, Map<string, Partner>>()

  constructor(node: RemoteNode) {
    this.node = node
  }

  /** The processes that one of this node is linked with. */
  of(cell: Cell): ReadonlyArray<Pid> {
    return Array.from(this.all.get(cell)?.values() ?? [], (partner) => partner.pid)
  }

  /** Asks the other side for a link, and tells how that ended. */
  link(cell: Cell, pid: Pid, tell: (exit: Exit.Exit<void, ProcessNotFound | NoConnection>) => void): void {
    const to = this.node.wire(pid)
    const partner = this.get(cell, to) ?? this.add(cell, pid, to)
    partner.asking++
    const done = (): void => {
      partner.asking--
      if (!partner.isLinked && partner.asking === 0) this.remove(partner)
    }
    this.node.ask(
      {
        onAnswer: (answer: Answer) => {
          const found = answer._tag === "Done"
          if (found && this.get(cell, to) === partner) partner.isLinked = true
          done()
          tell(found ? Exit.void : Exit.fail(new ProcessNotFound({ target: String(pid) })))
        },
        onLost: () => {
          done()
          tell(Exit.fail(this.node.loss(String(pid))))
        }
      },
      (id) => ({ _tag: "Link", id, from: this.here(cell), to })
    )
  }

  /** Links a process of this node, as the other side has asked. */
  accept(cell: Cell, pid: Pid): void {
    const from = this.node.wire(pid)
    const partner = this.get(cell, from) ?? this.add(cell, pid, from)
    partner.isLinked = true
  }

  /** Takes a link away, and has the other side take its end away. */
  unlink(cell: Cell, pid: Pid): void {
    const to = this.node.wire(pid)
    const partner = this.get(cell, to)
    if (partner === undefined) return
    this.remove(partner)
    this.node.post({ _tag: "Unlink", from: this.here(cell), to })
  }

  onUnlink({ from, to }: { readonly from: string; readonly to: string }): void {
    const partner = this.find(to, from)
    if (partner === undefined) return
    partner.isLinked = false
    if (partner.asking === 0) this.remove(partner)
  }

  onExit({ exit, from, to }: { readonly from: string; readonly to: string; readonly exit: ExitWire }): void {
    const partner = this.find(to, from)
    if (partner === undefined || !partner.isLinked) return
    this.remove(partner)
    partner.end(exitFromWire(exit, this.node.self))
  }

  /** The process of this node has ended: the other side learns how. */
  leave(partner: Partner, exit: Exit.Exit<unknown, unknown>): void {
    this.remove(partner)
    const { cell, pid } = partner
    const { self } = this.node
    this.node.post({
      _tag: "LinkExit",
      from: this.here(cell),
      to: this.node.wire(pid),
      exit: exitToWire(exit, cell.definition.success, self)
    })
  }

  /** The connection is lost, and with it every link over it; those that were asked for are given up already. */
  onLost(): void {
    const partners = Array.from(this.all.values(), (of) => Array.from(of.values())).flat()
    this.all.clear()
    for (const partner of partners) partner.end(Exit.fail(this.node.loss(String(partner.pid))))
  }

  private here(cell: Cell): string {
    return this.node.wire(cell.pid)
  }

  private get(cell: Cell, wire: string): Partner | undefined {
    return this.all.get(cell)?.get(wire)
  }

  private find(here: string, there: string): Partner | undefined {
    const cell = this.node.cell(here)
    return cell === undefined ? undefined : this.get(cell, there)
  }

  private add(cell: Cell, pid: Pid, wire: string): Partner {
    let partners = this.all.get(cell)
    if (partners === undefined) {
      partners = new Map()
      this.all.set(cell, partners)
    }
    const partner = new Partner(this, cell, pid)
    partners.set(wire, partner)
    return partner
  }

  private remove(partner: Partner): void {
    partner.drop()
    const { cell, pid } = partner
    const wire = this.node.wire(pid)
    const partners = this.all.get(cell)
    if (partners?.get(wire) !== partner) return
    partners.delete(wire)
    if (partners.size === 0) this.all.delete(cell)
  }
}
