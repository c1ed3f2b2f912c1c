/**
 * Whether a value fits a schema, told without effect's parser where that is easy: a parser makes the value anew to tell, and
 * is as dear as the rest of what a message does on its way.
 */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"

type Guard = (value: unknown) => boolean

// What `typeof` says of the values of a schema, where it says all but the checks.
const plain: { readonly [tag: string]: string | undefined } = {
  String: "string",
  Number: "number",
  Boolean: "boolean",
  BigInt: "bigint"
}

const noOptions: SchemaAST.ParseOptions = {}

/** As `Schema.is`. */
export const guardOf = (schema: Schema.Top): Guard => {
  const is: Guard = Schema.is(schema)
  const ast = SchemaAST.toType(schema.ast)
  if (SchemaAST.isVoid(ast) && ast.checks === undefined) return () => true
  const fits = sufficient(ast)
  return fits === undefined ? is : (value) => fits(value) || is(value)
}

// What says of some values that they fit, and nothing of the others.
const sufficient = (ast: SchemaAST.AST): Guard | undefined => {
  const fits = SchemaAST.isObjects(ast) ? struct(ast) : typed(plain[ast._tag])
  const { checks } = ast
  if (fits === undefined || checks === undefined) return fits
  const [check] = checks
  if (checks.length > 1 || check._tag !== "Filter") return undefined
  return (value) => fits(value) && check.run(value, ast, noOptions) === undefined
}

const typed = (type: string | undefined): Guard | undefined =>
  type === undefined ? undefined : (value) => typeof value === type

const struct = ({ indexSignatures, propertySignatures }: SchemaAST.Objects): Guard | undefined => {
  if (indexSignatures.length > 0 || propertySignatures.length === 0) return undefined
  const names = propertySignatures.map(({ name }) => name)
  const guards = propertySignatures.map(({ type }) => sufficient(type) ?? Schema.is(Schema.make(type)))
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false
    for (let i = 0; i < names.length; i++) {
      const property: unknown = (value as Record<PropertyKey, unknown>)[names[i] as PropertyKey]
      // What is absent may be so by right.
      if (property === undefined || !(guards[i] as Guard)(property)) return false
    }
    return true
  }
}
