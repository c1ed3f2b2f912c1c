/**
 * What can be wrong with the components of an application before any of them starts: each error names the component, what
 * it depends on, and the next step.
 */
import * as Schema from "effect/Schema"

/**
 * Components depend on each other in a circle, so that none of them can be the first.
 *
 * @category errors
 */
export class ComponentCycle extends Schema.TaggedError<ComponentCycle>()("ComponentCycle", {
  /** From a component over those it depends on back to itself. */
  cycle: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `The components depend on each other in a circle: ${this.cycle.join(" → ")}. Take one of these dependencies away, or move what both need into a component of its own.`
  }
}

/**
 * A component depends on one that is not among those that are started.
 *
 * @category errors
 */
export class ComponentNotFound extends Schema.TaggedError<ComponentNotFound>()("ComponentNotFound", {
  component: Schema.String,
  dependency: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const known = this.known.map((name) => `"${name}"`).join(", ")
    return `The component "${this.component}" depends on "${this.dependency}", which is not among those that are started: ${known}. Add it to them, or correct the name.`
  }
}

/**
 * Two components have the same name.
 *
 * @category errors
 */
export class DuplicateComponent extends Schema.TaggedError<DuplicateComponent>()("DuplicateComponent", {
  component: Schema.String
}) {
  override get message(): string {
    return `There are two components with the name "${this.component}". Give each component a name of its own.`
  }
}

/**
 * Why components can't be started; nothing was started.
 *
 * @category errors
 */
export type BootError = ComponentCycle | ComponentNotFound | DuplicateComponent
