/**
 * What a connection is to those who have it, for what is a connection and more.
 */
import type { Rpc } from "effect/rpc"
import { type Connection, TypeId } from "../../Connection.ts"
import type { ConnectionImpl } from "../session/ConnectionImpl.ts"

export const faceOf = ({ connection }: ConnectionImpl): Connection<Rpc.Any> => ({
  [TypeId]: connection[TypeId],
  id: connection.id,
  instanceId: connection.instanceId,
  identity: connection.identity,
  peer: connection.peer,
  request: connection.request,
  tell: connection.tell,
  stream: connection.stream,
  send: connection.send,
  messages: connection.messages,
  receive: connection.receive,
  isConnected: connection.isConnected,
  state: connection.state,
  changes: connection.changes,
  closed: connection.closed,
  stats: connection.stats,
  close: connection.close
})
