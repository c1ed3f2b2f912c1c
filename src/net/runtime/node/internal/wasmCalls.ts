/**
 * Calls of the functions of a module, by the convention of `WasmRuntime`. After one that failed the module is made anew.
 */
import * as Effect from "effect/Effect"
import { WasmFailed } from "./WasmFailed.ts"

/** What a thread is given that is to host a module, which was looked at before. */
export interface Hosted {
  readonly module: WebAssembly.Module
  /** The name of the protocol. */
  readonly protocol: string
  readonly routes: ReadonlyArray<string>
}

export class WasmCalls {
  private readonly module: WebAssembly.Module
  private instance: WebAssembly.Instance | undefined

  constructor(module: WebAssembly.Module) {
    this.module = module
  }

  /** Makes the module; it fails as a trap does where its start function traps, or there is no memory for it. */
  readonly begin: Effect.Effect<void, WasmFailed> = this.trapping("start", () => void this.current)

  call(route: string, input: Uint8Array): Effect.Effect<Uint8Array, WasmFailed> {
    return Effect.tapError(
      Effect.flatMap(
        this.trapping(route, () => this.run(route, input)),
        (output) => (typeof output === "string" ? invalid(route, output) : Effect.succeed(output))
      ),
      () => Effect.sync(() => (this.instance = undefined))
    )
  }

  private trapping<A>(route: string, run: () => A): Effect.Effect<A, WasmFailed> {
    const detailOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
    return Effect.try({
      try: run,
      catch: (error) => new WasmFailed({ route, reason: "Trapped", detail: detailOf(error) })
    })
  }

  private get current(): WebAssembly.Instance {
    return (this.instance ??= new WebAssembly.Instance(this.module, {}))
  }

  /** Answers the output, or what is wrong with what was answered. */
  private run(route: string, input: Uint8Array): Uint8Array | string {
    const exports = this.current.exports as { readonly [name: string]: (...args: Array<unknown>) => unknown }
    const memory = this.current.exports["memory"] as WebAssembly.Memory
    const isIn = (pointer: number, length: number) => pointer + length <= memory.buffer.byteLength

    const room = Number(exports["alloc"]?.(input.length)) >>> 0
    if (!isIn(room, input.length))
      return `alloc answered ${room}, which has no ${input.length} bytes of the memory behind it`
    new Uint8Array(memory.buffer).set(input, room)
    const packed = exports[route]?.(room, input.length)
    if (typeof packed !== "bigint") return `it answered ${String(packed)}, and no i64`
    const pointer = Number((packed >> 32n) & low)
    const length = Number(packed & low)
    if (!isIn(pointer, length)) return `its output of ${length} bytes at ${pointer} is not in its memory`
    const output = new Uint8Array(memory.buffer).slice(pointer, pointer + length)
    exports["free"]?.(pointer, length)
    return output
  }
}

const low = 0xffffffffn

const invalid = (route: string, detail: string) =>
  Effect.fail(new WasmFailed({ route, reason: "InvalidOutput", detail }))
