/**
 * What `troupe.proto` says to a program that knows nothing else of us: its services, with the messages encoded by protobufjs.
 * Both packages come with grpc-js.
 */
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"

type Any = Record<string, unknown>
type Method = MethodDefinition<Any, Any>

interface ProtoLoader {
  readonly loadSync: (path: string, options: Any) => Record<string, ServiceDefinition>
}

const require = createRequire(createRequire(import.meta.url).resolve("@grpc/grpc-js"))
const { loadSync } = require("@grpc/proto-loader") as ProtoLoader
const path = fileURLToPath(new URL("../../../src/net/transport/node/troupe.proto", import.meta.url))

const services = loadSync(path, { defaults: true })

export const published = {
  Transport: services["troupe.v1.Transport"] as unknown as { readonly Connect: Method },
  Calls: services["troupe.v1.Calls"] as unknown as { readonly Call: Method; readonly Watch: Method }
}
