/** `troupe gen`, as a program of its own. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { directoryIn, settings } from "./services.ts"
import { fails, folder, limit, succeeds } from "./troupe.ts"

const proto = `syntax = "proto3";
package acme;

service Shop {
  rpc order (Order) returns (Receipt);
}

message Order { string item = 1; }
message Receipt { string number = 1; }
`

const contracts = { shop: { file: "contracts/local/shop.proto", protocol: "app:shop" } }
const own = { name: "shop", type: "acme/Shop@1.0.0", contracts }

/** A project with a contract of its own, and the lock of no dependency. */
const project = Effect.gen(function* () {
  const made = yield* folder
  made.write("troupe.json", own)
  made.write("contracts/local/shop.proto", proto)
  made.write("troupe.lock.json", { lockVersion: 1, dependencies: {} })
  return made
})

describe.concurrent("troupe gen", limit, () => {
  it.live(
    "writes clients for what was installed, and scaffolds for contracts of its own; both again as they were",
    () =>
      Effect.gen(function* () {
        const { files, path, read, run, write } = yield* project
        const { offer } = yield* directoryIn(path)
        yield* offer("acme/Echo@1.0.0")
        write("troupe.json", { ...own, ...settings({ echo: "acme/Echo@^1.0.0" }) })
        succeeds(yield* run(["install"]))
        const said = succeeds(yield* run(["gen"]))
        assert.deepStrictEqual(said.trim().split("\n").toSorted(), [
          "wrote generated/local/shop.ts",
          "wrote generated/remote/echo.ts",
          "wrote shop.ts"
        ])
        const client = read("generated/remote/echo.ts")!
        assert.match(client, /^\/\/ troupe gen, [^\n]* [0-9a-f]{64}\n/)
        assert.include(client, "export const connect")
        assert.include(read("shop.ts")!, "order")

        const all = files()
        const bytes = all.map(read)
        const again = succeeds(yield* run(["gen"]))
        assert.strictEqual(again, "kept shop.ts, which is yours\n2 files are as they were\n")
        assert.deepStrictEqual(files().map(read), bytes)

        // It is asked for no longer.
        write("troupe.json", own)
        assert.include(succeeds(yield* run(["gen"])), "removed generated/remote/echo.ts")
        assert.isUndefined(read("generated/remote/echo.ts"))
      })
  )

  it.live("refuses without a lock, and with one that does not match", () =>
    Effect.gen(function* () {
      const { files, path, read, run, write } = yield* folder
      const { offer } = yield* directoryIn(path)
      yield* offer("acme/Echo@1.0.0")
      const echo = settings({ echo: "acme/Echo@^1.0.0" })
      write("troupe.json", echo)
      fails(yield* run(["gen"]), 1, "There is no", "troupe.lock.json", "troupe install")
      succeeds(yield* run(["install"]))

      const wrong = Effect.fnUntraced(function* (...texts: ReadonlyArray<string>) {
        fails(yield* run(["gen"]), 1, "does not match", "Run troupe install", ...texts)
      })
      write("troupe.json", settings({ echo: "acme/Echo@^1.0.0", more: "acme/More" }))
      yield* wrong("more: it is not in the lock")
      write("troupe.json", settings({ echo: "acme/Echo@^2.0.0" }))
      yield* wrong("echo: the lock has acme/Echo@1.0.0, and acme/Echo@^2.0.0 is asked for")
      write("troupe.json", echo)
      const contract = read("contracts/remote/echo.json")!
      write("contracts/remote/echo.json", contract.replace('"test:echo"', '"test:other"'))
      yield* wrong("contracts/remote/echo.json: it is not the contract of acme/Echo@1.0.0")
      write("contracts/remote/echo.json", "")
      yield* wrong("contracts/remote/echo.json: it is no contract")
      assert.notInclude(files().join(), "generated")
    })
  )

  it.live("never writes over what a person wrote", () =>
    Effect.gen(function* () {
      const { files, read, run, write } = yield* project
      succeeds(yield* run(["gen"]))
      write("shop.ts", "export const mine = 1\n")
      write("contracts/local/shop.proto", proto.replace("string item = 1;", "string item = 1; int32 count = 2;"))
      assert.include(succeeds(yield* run(["gen"])), "wrote generated/local/shop.ts")
      assert.strictEqual(read("shop.ts"), "export const mine = 1\n")

      const changed = `${read("generated/local/shop.ts")}export const mine = 1\n`
      write("generated/local/shop.ts", changed)
      write("troupe.json", { ...own, contracts: { ...contracts, other: { ...contracts.shop, protocol: "app:other" } } })
      const before = files()
      fails(yield* run(["gen"]), 1, "generated/local/shop.ts: it was changed", "Nothing was written")
      write("generated/local/other.ts", "export const mine = 1\n")
      fails(yield* run(["gen"]), 1, "generated/local/shop.ts: ", "generated/local/other.ts: it was not generated")
      assert.strictEqual(read("generated/local/shop.ts"), changed)
      assert.deepStrictEqual(files(), [...before, "generated/local/other.ts"].toSorted())

      // Nothing asks for it any more, but it is somebody's.
      write("troupe.json", { ...own, contracts: {} })
      assert.include(succeeds(yield* run(["gen"])), "left generated/local/shop.ts")
      assert.strictEqual(read("generated/local/shop.ts"), changed)
    })
  )

  it.live("says what is wrong with contracts of its own, with file and line", () =>
    Effect.gen(function* () {
      const { files, run, write } = yield* project
      write("contracts/local/shop.proto", proto.replace("(Order)", "(stream Order)"))
      write("contracts/local/doc.json", '{ "format": 0 }')
      write("troupe.json", {
        ...own,
        contracts: {
          ...contracts,
          doc: "contracts/local/doc.json",
          none: { file: "contracts/local/none.proto", protocol: "app:none" }
        }
      })
      fails(
        yield* run(["gen"]),
        1,
        'contracts/local/shop.proto:5: "order" takes a stream',
        "contracts/local/doc.json: format ",
        "contracts/local/none.proto: it is not there",
        "contracts.none"
      )
      write("contracts/local/shop.proto", 'syntax = "proto3";\nimport "lost.proto";\nservice Shop {}\n')
      write("troupe.json", own)
      fails(yield* run(["gen"]), 1, 'contracts/local/shop.proto:2: "lost.proto" is not there')
      assert.notInclude(files().join(), "generated")
    })
  )

  it.live("finds the files that a .proto imports, and leaves all as it was when it can't write", () =>
    Effect.gen(function* () {
      const { files, path, read, run, write } = yield* project
      const order = 'syntax = "proto3";\npackage acme;\nmessage Order { string item = 1; }\n'
      const shop = proto.replace("message Order { string item = 1; }\n", "")
      write("contracts/local/types/order.proto", order)
      write("contracts/local/shop.proto", shop.replace("acme;", 'acme;\nimport "types/order.proto";'))
      write("generated/local", "a file, and no folder")
      fails(yield* run(["gen"]), 1, "generated/local")
      assert.notInclude(files().join(), "shop.ts")
      assert.strictEqual(read("generated/local"), "a file, and no folder")

      rmSync(join(path, "generated/local"))
      succeeds(yield* run(["gen"]))
      assert.includeMembers([...files()], ["generated/local/shop.ts", "shop.ts"])
    })
  )
})
