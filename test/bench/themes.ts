/** What each bench is about, for those who read its figures. */

/** The benches of one theme, by name, in the order in which they are shown. */
export interface Theme {
  readonly id: string
  readonly benches: Readonly<Record<string, string>>
}

/** A bench over a unix socket, and the same over TCP. */
const overBoth = (benches: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [
      ["unix", "a unix socket"],
      ["tcp", "TCP"]
    ].flatMap(([kind, over]) =>
      Object.entries(benches).map(([name, what]) => [`${name}-${kind}`, `${what}, over ${over}.`])
    )
  )

const sizes = [
  ["64", "64 bytes"],
  ["1k", "1 KiB"],
  ["64k", "64 KiB"]
] as const

/** All of them; each has its table on the page of the benchmarks. */
export const themes: ReadonlyArray<Theme> = [
  {
    id: "messages",
    benches: {
      "ping-pong": "Two processes send each other a message, back and forth.",
      "thread-ring": "A thousand processes in a ring pass a message on.",
      "fan-in-1": "A process sends to another one, which answers nothing.",
      "fan-in-8": "Eight processes send to one.",
      "fan-in-64": "64 processes send to one."
    }
  },
  {
    id: "calls",
    benches: {
      "call": "A process calls another one, which receives and replies: one call after the other.",
      "call-64": "64 fibers of a process call it at the same time.",
      "call-server": "A process calls a server: one call after the other.",
      "call-server-64": "64 fibers of a process call the server at the same time."
    }
  },
  {
    id: "processes",
    benches: {
      "spawn-exit": "A process starts others, one after the other, and learns of the end of each.",
      "skynet": "A tree of processes, ten to a node, whose million leaves each send their number up.",
      "million": "A million processes wait on one host; each gets a message, and ends."
    }
  },
  {
    id: "savina",
    benches: {
      "big": "512 processes ping others at random, and answer their pings.",
      "chameneos": "A hundred creatures meet in pairs at one place, whose process everything passes.",
      "bounded-buffer": "40 producers and 40 consumers around a buffer with a limit, which holds producers up.",
      "banking": "A thousand accounts pay into each other, and wait until the other one has it."
    }
  },
  {
    id: "channels",
    benches: {
      "select": "A select that need not wait, by the number of its cases and how many are ready, beside a receive.",
      "select-parked": "Two processes in the loop of a relay, which select over inbox and events for every message.",
      "channel-ping-pong": "Two fibers over two channels that hold nothing, back and forth.",
      "channel-0": "A producer and a consumer over a channel that holds nothing.",
      "channel-1": "A producer and a consumer over a channel that holds one value.",
      "channel-100": "A producer and a consumer over a channel that holds 100.",
      "channel-local": "A fiber that sends to itself, and never waits."
    }
  },
  {
    id: "supervision",
    benches: {
      "restart": "A supervised server crashes, or is killed, again and again: until the next one is up.",
      "start-children": "Servers are started one by one under a dynamic supervisor, and stopped with it.",
      "start-children-ordered": "The same under a supervisor that stops its children in order.",
      "scaling": "A hundred times the children: how many times as long it takes to start, find and stop them."
    }
  },
  {
    id: "commands",
    benches: {
      "yield": "A process yields a command and has its answer, one after the other.",
      "yield-many": "Ten thousand yields are outstanding, and are completed from elsewhere."
    }
  },
  {
    id: "latency",
    benches: {
      "latency":
        "A message beside eight pairs of processes that keep the host busy, from its send until the receiver has it.",
      "reaction":
        "A sleep of a millisecond, and an echo over a socket, while a million messages flow between processes."
    }
  },
  {
    id: "linear",
    benches: {
      "linear":
        "A message with a million processes alive, with 200,000 queued before it, with 10,000 monitors: how many times as long as with few."
    }
  },
  {
    id: "connections",
    benches: overBoth({
      "request": "Requests, one after the other",
      "request-64": "Requests, 64 outstanding",
      "request-256": "Requests, 256 outstanding",
      "tell": "Tells, until the last one is handled",
      "connect": "Connecting, with one request, and closing"
    })
  },
  {
    id: "streams",
    benches: {
      ...overBoth(
        Object.fromEntries(sizes.map(([name, size]) => [`stream-${name}`, `A reliable stream of messages of ${size}`]))
      ),
      ...overBoth(
        Object.fromEntries(
          sizes.map(([name, size]) => [`stream-latest-${name}`, `A latency-first stream of messages of ${size}`])
        )
      ),
      "stream-slow-unix": "The most memory of both sides of a reliable stream, with a slow consumer beside a fast one.",
      "stream-slow-latest-unix": "The same of a latency-first stream."
    }
  }
]
