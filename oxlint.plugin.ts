/** Lint rules which oxlint lacks. */
interface Context {
  report(diagnostic: { readonly node: unknown; readonly message: string }): void
}

interface Import {
  readonly source: { readonly value: string } | null
}

/** In `src`, failures are values: nothing throws and nothing catches. */
const forbid = (type: string, message: string) => ({
  create: (context: Context) => ({
    [type]: (node: unknown) => context.report({ node, message })
  })
})

/** `src` imports its own files, `effect`, and, where `import/no-nodejs-modules` is off, Node's modules. */
const effectAlone = {
  create: (context: Context) => {
    const check = (node: Import): void => {
      if (node.source === null || /^(\.|node:|effect(\/|$))/.test(node.source.value)) return
      context.report({ node, message: `Import effect or a file of src, not the package ${node.source.value}.` })
    }
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check }
  }
}

export default {
  meta: { name: "troupe" },
  rules: {
    "effect-alone": effectAlone,
    "no-throw": forbid("ThrowStatement", "Fail with Effect.fail or die with Effect.die instead of throwing."),
    "no-try": forbid("TryStatement", "Use Effect.try, Effect.catch, Effect.ensuring, … instead of try/catch.")
  }
}
