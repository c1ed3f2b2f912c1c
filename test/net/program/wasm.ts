/**
 * A module of WebAssembly, by its bytes: what a compiler would make of
 *
 *   alloc(n): bumps a pointer; echo(p, n): its input; count(p, n): one byte, how often it was called; trap: unreachable;
 *   lost: an output outside of its memory; spin: a loop without end
 */
const u = (n: number): Array<number> => (n < 128 ? [n] : [(n & 127) | 128, ...u(n >> 7)])
const s = (n: number): Array<number> => {
  const byte = n & 127
  const rest = n >> 7
  return (rest === 0 && !(byte & 64)) || (rest === -1 && byte & 64) ? [byte] : [byte | 128, ...s(rest)]
}
const list = (items: ReadonlyArray<ReadonlyArray<number>>): Array<number> => [...u(items.length), ...items.flat()]
const section = (id: number, body: ReadonlyArray<number>): Array<number> => [id, ...u(body.length), ...body]
const name = (text: string): Array<number> => [...u(text.length), ...new TextEncoder().encode(text)]
const code = (...body: ReadonlyArray<number>): Array<number> => [...u(body.length + 2), 0, ...body, 0x0b]

const [i32, i64] = [0x7f, 0x7e]
const get = (n: number) => [0x20, n]
const constant = (n: number) => [0x41, ...s(n)]
const constant64 = (n: number) => [0x42, ...s(n)]
// (i64 p) << 32 | (i64 n), of what is on the stack.
const pack = (p: ReadonlyArray<number>, n: ReadonlyArray<number>) =>
  [p, 0xad, constant64(32), 0x86, n, 0xad, 0x84].flat()

const functions: ReadonlyArray<readonly [name: string, type: number, body: ReadonlyArray<number>]> = [
  // next, then next += n
  ["alloc", 0, [0x23, 0, 0x23, 0, ...get(0), 0x6a, 0x24, 0]],
  ["echo", 1, pack(get(0), get(1))],
  // *8 += 1; answers the byte at 8
  [
    "count",
    1,
    [...constant(8), ...constant(8), 0x2d, 0, 0, ...constant(1), 0x6a, 0x3a, 0, 0, ...pack(constant(8), constant(1))]
  ],
  ["trap", 1, [0x00]],
  ["lost", 1, pack(constant(-8), constant(16))],
  ["spin", 1, [0x03, 0x40, 0x0c, 0, 0x0b, ...constant64(0)]]
]

/** The bytes of the module; `imports` has it import a function as well. */
export const wasm = (imports = false): Uint8Array => {
  const first = imports ? 1 : 0
  const sections = [
    section(
      1,
      list([
        [0x60, ...list([[i32]]), ...list([[i32]])],
        [0x60, ...list([[i32], [i32]]), ...list([[i64]])]
      ])
    ),
    imports ? section(2, list([[...name("env"), ...name("now"), 0, 0]])) : [],
    section(3, list(functions.map(([, type]) => [type]))),
    // One page of memory, and room from 1024 on.
    section(5, list([[0, 1]])),
    section(6, list([[i32, 1, ...constant(1024), 0x0b]])),
    section(7, list([[...name("memory"), 2, 0], ...functions.map(([text], n) => [...name(text), 0, ...u(n + first)])])),
    section(10, list(functions.map(([, , body]) => code(...body))))
  ]
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()])
}
