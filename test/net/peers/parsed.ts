/** What a `.proto` file says to a program that knows nothing of us: as protobufjs reads it. */
import { createRequire } from "node:module"

interface Root {
  readonly addJSON: (nested: object) => void
  readonly resolveAll: () => void
  readonly lookupType: (name: string) => {
    readonly fieldsArray: ReadonlyArray<{ readonly name: string; readonly id: number; readonly type: string }>
  }
  readonly lookupService: (name: string) => {
    readonly methodsArray: ReadonlyArray<{
      readonly name: string
      readonly requestType: string
      readonly responseStream: boolean | undefined
    }>
  }
}

interface Protobufjs {
  readonly parse: (
    text: string,
    options: { readonly keepCase: boolean }
  ) => { readonly root: Root; readonly imports: ReadonlyArray<string> | undefined }
  readonly common: { readonly get: (path: string) => { readonly nested: object } | null }
}

// It is there as a dependency of grpc-js, and nobody else's.
const grpc = createRequire(import.meta.resolve("@grpc/grpc-js"))
const loader = createRequire(grpc.resolve("@grpc/proto-loader"))
const protobufjs = loader("protobufjs") as Protobufjs

/** All types that a file declares, each with what it refers to; it throws when one is not there. */
export const parsed = (text: string): Root => {
  const { imports, root } = protobufjs.parse(text, { keepCase: true })
  // It does not look at imports by itself.
  for (const path of imports ?? []) root.addJSON(protobufjs.common.get(path)?.nested ?? {})
  root.resolveAll()
  return root
}
