/**
 * A simulated network: its nodes, the links between them, and what can be done to both.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import { type Listening, type Transport, TypeId, type Wire } from "../../../net/Transport.ts"
import { TransportError } from "../../../net/TransportError.ts"
import { type Serving, serving } from "../../../net/transport/internal/serving.ts"
import { Chance, type Conditions } from "./Chance.ts"
import { Gate } from "./Gate.ts"
import { type Around, name, type Place, SimulatedWire } from "./SimulatedWire.ts"

interface Listener {
  readonly serving: Serving
  readonly scope: Scope.Closeable
}

class Node implements Place {
  readonly name: string
  readonly program = new Gate()
  /** Who may listen here: nobody else may until all that were served have ended. */
  claim: object | undefined
  listener: Listener | undefined

  constructor(name: string) {
    this.name = name
  }
}

interface Link {
  readonly from: Node
  readonly to: Node
  readonly gate: Gate
}

export class Simulation implements Around {
  readonly clock: Clock.Clock
  readonly chance: Chance
  readonly conditions: Conditions
  readonly run: (effect: Effect.Effect<void>) => void
  private readonly nodes = new Map<string, Node>()
  private readonly links: Array<Link> = []
  private readonly wires = new Set<SimulatedWire>()

  private constructor(
    clock: Clock.Clock,
    chance: Chance,
    conditions: Conditions,
    run: (effect: Effect.Effect<void>) => void
  ) {
    this.clock = clock
    this.chance = chance
    this.conditions = conditions
    this.run = run
  }

  static make(conditions: Conditions): Effect.Effect<Simulation, never, Scope.Scope> {
    return Effect.gen(function* () {
      const chance = new Chance(yield* Random.Random, conditions.latency)
      const run = yield* FiberSet.makeRuntime()
      const simulation = new Simulation(yield* Clock.Clock, chance, conditions, run)
      yield* Effect.addFinalizer(() => Effect.sync(() => simulation.end()))
      return simulation
    })
  }

  readonly transport = (from: string, to: string): Transport => {
    const near = this.node(from)
    const far = this.node(to)
    const transport: Transport = {
      [TypeId]: TypeId,
      name,
      address: to,
      connect: this.connect(near, far),
      listen: (serve) => this.listen(far, transport, serve)
    }
    return transport
  }

  readonly clog = (from: string, to: string): Effect.Effect<void> => Effect.sync(() => this.gate(from, to).close())

  readonly unclog = (from: string, to: string): Effect.Effect<void> => Effect.sync(() => this.gate(from, to).open())

  readonly partition = (some: ReadonlyArray<string>, others: ReadonlyArray<string>): Effect.Effect<void> =>
    Effect.sync(() => {
      for (const one of some) {
        for (const other of others) {
          this.gate(one, other).close()
          this.gate(other, one).close()
        }
      }
    })

  readonly heal: Effect.Effect<void> = Effect.sync(() => {
    for (const { gate } of this.links) gate.open()
  })

  readonly swizzle = (within: Duration.Input): Effect.Effect<void> =>
    Effect.suspend(() => {
      const nodes = [...this.nodes.values()]
      const gates = nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => this.link(from, to)))
      const free = gates.filter((gate) => !gate.isShut)
      const pause = Duration.toMillis(Duration.fromInputUnsafe(within)) / (2 * free.length)
      const each = (change: (gate: Gate) => void) =>
        Effect.forEach(
          this.chance.shuffled(free),
          (gate) =>
            Effect.delay(
              Effect.sync(() => change(gate)),
              this.chance.between(0, pause)
            ),
          { discard: true }
        )
      const clogged = each((gate) => gate.close())
      const unclogged = Effect.suspend(() => each((gate) => gate.open()))
      const end = Effect.sync(() => free.forEach((gate) => gate.open()))
      return Effect.onInterrupt(Effect.andThen(clogged, unclogged), () => end)
    })

  readonly freeze = (node: string): Effect.Effect<void> => Effect.sync(() => this.node(node).program.close())

  readonly thaw = (name: string): Effect.Effect<void> =>
    Effect.sync(() => {
      const node = this.node(name)
      node.program.open()
      this.resume(node)
    })

  readonly crash = (name: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const node = this.node(name)
      const { listener } = node
      node.program.forget()
      node.listener = undefined
      node.claim = undefined
      for (const wire of this.wires) if (wire.at === node) wire.die(`${name} crashed`)
      this.resume(node)
      return listener === undefined ? Effect.void : Scope.close(listener.scope, Exit.void)
    })

  readonly sever = (one: string, other: string): Effect.Effect<void> =>
    Effect.sync(() => {
      const from = this.node(one)
      for (const wire of this.wires) {
        if (wire.at === from && wire.peer.address === other) wire.snap("the connection broke")
      }
    })

  readonly lose = (wire: Wire): Effect.Effect<void> =>
    Effect.sync(() => {
      if (wire instanceof SimulatedWire) wire.snap("the connection broke")
    })

  link(from: Place, to: Place): Gate {
    const known = this.links.find((link) => link.from === from && link.to === to)
    return known?.gate ?? this.gate(from.name, to.name)
  }

  ended(one: SimulatedWire, other: SimulatedWire): void {
    this.wires.delete(one)
    this.wires.delete(other)
  }

  private node(name: string): Node {
    const known = this.nodes.get(name)
    if (known !== undefined) return known
    const node = new Node(name)
    this.nodes.set(name, node)
    return node
  }

  private gate(one: string, other: string): Gate {
    const from = this.node(one)
    const to = this.node(other)
    const known = this.links.find((link) => link.from === from && link.to === to)
    if (known !== undefined) return known.gate
    const gate = new Gate()
    this.links.push({ from, to, gate })
    return gate
  }

  private resume(node: Node): void {
    for (const wire of this.wires) if (wire.at === node) wire.thaw()
  }

  private end(): void {
    for (const node of this.nodes.values()) node.program.forget()
    for (const wire of this.wires) wire.lose("the network ended")
  }

  private connect(from: Node, to: Node): Transport["connect"] {
    return Effect.uninterruptibleMask((restore) =>
      Effect.gen({ self: this }, function* () {
        yield* restore(from.program.untilOpen)
        const deadline = this.clock.currentTimeMillisUnsafe() + this.conditions.connectTimeout
        yield* restore(this.travel(from, to, to, deadline))
        const { listener } = to
        if (listener === undefined) {
          yield* restore(this.travel(to, from, to, deadline))
          return yield* failed("connect", "NotListening", to, "nobody listens there")
        }
        const [near, far] = SimulatedWire.pair(this, from, to)
        this.wires.add(near).add(far)
        yield* Effect.addFinalizer(() => near.close)
        // A frozen node is connected to all the same, and serves when it goes on.
        to.program.whenOpen(() => {
          if (to.listener === listener) listener.serving.accept(far)
          else far.snap("nobody listens there any more")
        })
        yield* Effect.onError(restore(this.travel(to, from, to, deadline)), () => near.close)
        return near.isLost ? yield* failed("connect", "Lost", to, "the connection broke") : near
      })
    )
  }

  private travel(from: Node, to: Node, address: Node, deadline: number): Effect.Effect<void, TransportError> {
    const late = Effect.suspend(() => failed("connect", "TimedOut", address, "there was no answer"))
    const left = () => deadline - this.clock.currentTimeMillisUnsafe()
    const gate = this.link(from, to)
    const passes = Effect.suspend(() =>
      gate.isShut ? Effect.timeoutOrElse(gate.untilOpen, { duration: left(), orElse: () => late }) : Effect.void
    )
    return Effect.suspend(() => {
      const latency = this.chance.latency()
      return latency < left() ? Effect.andThen(Effect.sleep(latency), passes) : Effect.delay(late, left())
    })
  }

  private listen<R>(
    node: Node,
    transport: Transport,
    serve: (wire: Wire) => Effect.Effect<void, never, R>
  ): Effect.Effect<Listening, TransportError, R | Scope.Scope> {
    const claim = {}
    const claimed = Effect.suspend(() => {
      if (node.claim !== undefined) return failed("listen", "AddressInUse", node, "another listens there")
      node.claim = claim
      return Effect.void
    })
    // After a crash another may have it.
    const released = Effect.sync(() => {
      if (node.claim === claim) node.claim = undefined
    })
    return Effect.gen(function* () {
      yield* Effect.acquireRelease(claimed, () => released)
      const scope = yield* Scope.fork(yield* Effect.scope)
      const listener: Listener = { serving: yield* Scope.provide(serving(serve), scope), scope }
      yield* Effect.acquireRelease(
        Effect.sync(() => void (node.listener = listener)),
        () =>
          Effect.sync(() => {
            if (node.listener === listener) node.listener = undefined
          })
      )
      return { transport, wires: listener.serving.counts.wires }
    })
  }
}

const failed = (
  doing: TransportError["doing"],
  reason: TransportError["reason"],
  { name: address }: Node,
  detail: string
): Effect.Effect<never, TransportError> =>
  Effect.fail(new TransportError({ transport: name, address, doing, reason, detail }))
