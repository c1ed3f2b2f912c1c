/**
 * The sockets of a client whose library keeps them to itself: grpc-js leaves one open when it is told to close while the other
 * side has not said a word, and one to a program that stands still.
 */
import { AsyncLocalStorage } from "node:async_hooks"
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import type { Socket } from "node:net"

const channel = "net.client.socket"

const opening = new AsyncLocalStorage<ClientSockets>()

export class ClientSockets {
  private readonly sockets = new Set<Socket>()
  private isOver = false

  constructor() {
    subscribe(channel, this.onSocket)
  }

  /** What `open` opens, now or in what follows from it, is known here. */
  during<A>(open: () => A): A {
    return opening.run(this, open)
  }

  /** No more sockets; those that are open are closed at once. */
  destroy(): void {
    if (this.isOver) return
    this.isOver = true
    // One that is about to be opened is still waited for, and closed.
    setImmediate(() => {
      unsubscribe(channel, this.onSocket)
      for (const socket of this.sockets) socket.destroy()
    })
  }

  // Node tells of each socket when it is made, in the context of who made it.
  private readonly onSocket = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket }
    if (opening.getStore() !== this) return
    this.sockets.add(socket)
    socket.once("close", () => this.sockets.delete(socket))
  }
}
