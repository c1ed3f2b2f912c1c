/**
 * The typed errors of nodes.
 */
import * as Schema from "effect/Schema"
import { sentence } from "./internal/shown.ts"

/**
 * Two nodes can't be connected, though they reach each other.
 *
 * **Details**
 *
 * `reason`: `SameName`, both have the same name, or are the very same node; `NameTaken`, a node of that name, which is
 * another one, is connected already; `Connected`, the two are connected by another connection; `NotANode`, the other side does
 * not answer as a node does.
 *
 * @category errors
 */
export class NodeRefused extends Schema.TaggedError<NodeRefused>()("NodeRefused", {
  node: Schema.String,
  peer: Schema.String,
  reason: Schema.Literals(["SameName", "NameTaken", "Connected", "NotANode"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `The node "${this.node}" does not connect with ${this.peer}: ${sentence(this.detail)}`
  }
}

/**
 * The application's node has a name already.
 *
 * @category errors
 */
export class NodeAlreadyNamed extends Schema.TaggedError<NodeAlreadyNamed>()("NodeAlreadyNamed", {
  node: Schema.String
}) {
  override get message(): string {
    return `The application is the node "${this.node}" already. Provide one Node.layer for all that is built together.`
  }
}
