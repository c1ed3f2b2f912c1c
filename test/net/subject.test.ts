import { assert, describe, it } from "@effect/vitest"
import { subjectText } from "../../src/net/transport/node/internal/subject.ts"

describe("the subject of a certificate", () => {
  it("has its parts from the least to the most general", () => {
    assert.strictEqual(subjectText({ C: "AT", O: "Example", CN: "ada" }), "CN=ada, O=Example, C=AT")
    assert.strictEqual(subjectText({ OU: ["one", "two"], CN: "ada" }), "CN=ada, OU=two, OU=one")
  })

  it("K50 can't be made to look like another by what stands in a part", () => {
    assert.strictEqual(subjectText({ CN: "eve, O=Example" }), String.raw`CN=eve\, O\=Example`)
    assert.notStrictEqual(subjectText({ CN: String.raw`eve\, O=x` }), subjectText({ CN: "eve, O=x" }))
    assert.strictEqual(subjectText({ CN: ' "a" <b>; #c+ ' }), String.raw`CN=\ \"a\" \<b\>\; #c\+\ `)
    assert.strictEqual(subjectText({ CN: "#a" }), String.raw`CN=\#a`)
  })
})
