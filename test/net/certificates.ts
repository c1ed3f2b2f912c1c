/**
 * Certificates for tests, made with openssl: an authority, what it vouches for, and what a stranger does.
 */
import { Redacted } from "effect"
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Identity } from "../../src/net/transport/node/Tls.ts"
import { opensslAbsent } from "./absent.ts"

const directory = mkdtempSync(join(tmpdir(), "troupe-certificates-"))
const openssl = (...args: ReadonlyArray<string>): unknown =>
  execFileSync("openssl", args, { cwd: directory, stdio: "pipe" })
const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
const read = (file: string): string => readFileSync(join(directory, file), "utf8")

const identity = (name: string, authority: string, hosts = "IP:127.0.0.1,DNS:localhost"): Identity => {
  const extensions = `${name}.ext`
  writeFileSync(join(directory, extensions), `subjectAltName=${hosts}\n`)
  openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/O=Troupe/CN=${name}`)
  const signing = ["-CA", `${authority}.crt`, "-CAkey", `${authority}.key`, "-CAcreateserial", "-days", "2"]
  openssl("x509", "-req", "-in", `${name}.csr`, ...signing, "-out", `${name}.crt`, "-extfile", extensions)
  return { certificate: read(`${name}.crt`), key: Redacted.make(read(`${name}.key`)) }
}

const authority = (name: string): string => {
  openssl("req", "-x509", ...key, "-keyout", `${name}.key`, "-out", `${name}.crt`, "-days", "2", "-subj", `/CN=${name}`)
  return read(`${name}.crt`)
}

const make = () => {
  const ours = authority("ours")
  const theirs = authority("theirs")
  return {
    authority: ours,
    strangers: theirs,
    server: identity("server", "ours"),
    elsewhere: identity("elsewhere", "ours", "DNS:elsewhere.example"),
    client: identity("client", "ours"),
    stranger: identity("stranger", "theirs")
  }
}

const nobody: Identity = { certificate: "", key: Redacted.make("") }
const none: ReturnType<typeof make> = {
  authority: "",
  strangers: "",
  server: nobody,
  elsewhere: nobody,
  client: nobody,
  stranger: nobody
}

/** Without openssl there are none, and what needs them is to be skipped. */
export const certificates = opensslAbsent === undefined ? make() : none
rmSync(directory, { recursive: true })
