import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ActorType } from "troupe/net"
import { parseAddress, printAddress } from "../../src/cli/internal/address.ts"
import { parse, print } from "../../src/cli/internal/settings.ts"

const minimal = { name: "shop", type: "acme/Shop@1.0.0" }

/** What is wrong with settings, as `place: what`. */
const problems = (settings: unknown) =>
  Effect.map(Effect.flip(parse(typeof settings === "string" ? settings : JSON.stringify(settings))), (all) =>
    all.map(({ at, detail }) => `${at}: ${detail}`)
  )

describe("troupe.json", () => {
  it.effect("says what a project is, needs and has", () =>
    Effect.gen(function* () {
      const settings = yield* parse(
        JSON.stringify({
          ...minimal,
          directory: "unix:./directory.sock",
          dependencies: { "stream": "acme/Stream@^1.2.0", "echo": "acme/Echo" },
          contracts: {
            shop: { file: "contracts/local/shop.proto", protocol: "app:shop" },
            admin: { file: "admin.proto", protocol: "app:admin", type: "acme/Admin@2.0.0", service: "Admin" },
            kept: "contracts/local/kept.json"
          }
        })
      )
      assert.strictEqual(settings.name, "shop")
      assert.strictEqual(String(settings.directory), "unix ./directory.sock")
      assert.deepStrictEqual(
        settings.dependencies.map(({ name, range }) => `${name} ${range}`),
        ["echo acme/Echo@*", "stream acme/Stream@^1.2.0"]
      )
      assert.deepStrictEqual(
        settings.contracts.map(({ file, name, proto }) => [name, file, proto && String(proto.type), proto?.service]),
        [
          ["admin", "admin.proto", "acme/Admin@2.0.0", "Admin"],
          ["kept", "contracts/local/kept.json", undefined, undefined],
          ["shop", "contracts/local/shop.proto", "acme/Shop@1.0.0", undefined]
        ]
      )
    })
  )

  it.effect("is read as it was written for a new project", () =>
    Effect.gen(function* () {
      const type = yield* ActorType.parse(minimal.type)
      const settings = yield* parse(print({ name: "shop", type }))
      assert.deepStrictEqual(settings, {
        name: "shop",
        type,
        directory: undefined,
        dependencies: [],
        contracts: []
      })
    })
  )

  it.effect("is told what is wrong with it, all at once and each with its place", () =>
    Effect.gen(function* () {
      assert.match((yield* problems("{")).join(), /^: it is no JSON: /)
      const shape = yield* problems({ name: "a b", dependancies: {}, dependencies: { "../x": "acme/Echo", "y": 1 } })
      assert.strictEqual(shape.length, 5)
      assert.includeMembers(shape, ["type: it is missing", "dependancies: it is not known: look at its spelling"])
      for (const [index, place] of ["name", "type", "dependencies.../x", "dependencies.y", "dependancies"].entries()) {
        assert.isTrue(
          shape.some((problem) => problem.startsWith(`${place}: `)),
          `${index} ${place} in ${shape.join("\n")}`
        )
      }
      const values = yield* problems({
        name: "shop",
        type: "acme/Shop",
        directory: "http://example.com",
        dependencies: { echo: "acme/Echo@latest" },
        contracts: { admin: { file: "a.proto", protocol: "app:a", type: "Admin" } }
      })
      assert.deepStrictEqual(
        values.map((problem) => problem.split(":")[0]),
        ["type", "directory", "dependencies.echo", "contracts.admin.type"]
      )
      const [contract] = yield* problems({ ...minimal, contracts: { shop: "shop.proto" } })
      assert.match(String(contract), /^contracts\.shop: .*\.json/)
    })
  )
})

describe("addresses of directories", () => {
  it.effect("read as they print", () =>
    Effect.gen(function* () {
      for (const text of ["unix:./a.sock", "tcp:10.0.0.7:4000", "tls:[::1]:1", "grpc:a:1", "ws://a/b", "wss://a:1/b"]) {
        assert.strictEqual(printAddress(yield* parseAddress(text)), text)
      }
    })
  )

  it.effect("of other forms are refused", () =>
    Effect.gen(function* () {
      for (const text of ["", "unix:", "directory.sock", "http://a", "UNIX:a", `unix:${"a".repeat(2000)}`]) {
        assert.strictEqual((yield* Effect.flip(parseAddress(text)))._tag, "InvalidDirectory", text)
      }
    })
  )
})
