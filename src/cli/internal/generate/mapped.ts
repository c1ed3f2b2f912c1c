/**
 * Schemas with something else in place of what stands in them.
 */
import type * as SchemaRepresentation from "effect/SchemaRepresentation"

type Representation = SchemaRepresentation.Representation

type Annotations = SchemaRepresentation.PropertySignature["annotations"]

/** What becomes of the parts of a schema. */
export interface Mapping {
  readonly child: (child: Representation, step: string) => Representation
  readonly check: (check: SchemaRepresentation.Check) => SchemaRepresentation.Check
  readonly annotations: (annotations: Annotations) => Annotations
}

/** The same schema of other parts, one level deep; each child is given with its path. */
export const mapped = (
  node: Exclude<Representation, SchemaRepresentation.Reference>,
  { annotations, check, child }: Mapping
): Representation => {
  const common = { annotations: annotations(node.annotations), checks: node.checks.map(check) }
  const all = (children: ReadonlyArray<Representation>, step: (index: number) => string) =>
    children.map((inner, index) => child(inner, step(index)))
  switch (node._tag) {
    case "Declaration":
      return { ...node, ...common, typeParameters: all(node.typeParameters, (index) => `<${index}>`) }
    case "Suspend":
      return { ...node, ...common, checks: [], thunk: child(node.thunk, "") }
    case "TemplateLiteral":
      return { ...node, ...common, parts: all(node.parts, () => "") }
    case "Arrays":
      return {
        ...node,
        ...common,
        elements: node.elements.map((element, index) => ({
          isOptional: element.isOptional,
          type: child(element.type, `[${index}]`),
          annotations: annotations(element.annotations)
        })),
        rest: all(node.rest, () => "[]")
      }
    case "Objects":
      return {
        ...node,
        ...common,
        propertySignatures: node.propertySignatures.map((property) => ({
          ...property,
          // A number is the text that it is written as.
          name: typeof property.name === "number" ? String(property.name) : property.name,
          type: child(property.type, `.${String(property.name)}`),
          annotations: annotations(property.annotations)
        })),
        indexSignatures: node.indexSignatures.map(({ parameter, type }) => ({
          parameter: child(parameter, "{key}"),
          type: child(type, "{}")
        }))
      }
    case "Union":
      return { ...node, ...common, types: all(node.types, (index) => `|${index}`) }
    default:
      return { ...node, ...common }
  }
}
