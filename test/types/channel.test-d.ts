import { describe, expectTypeOf, it } from "@effect/vitest"
import type { Effect } from "effect"
import type { ChannelError } from "troupe"
import { Channel, Select } from "troupe"

type Closed = ChannelError.ChannelClosed
type TooMany = ChannelError.TooManyWaiters

declare const plain: Channel.Channel<number>
declare const limited: Channel.Channel<number, TooMany>

describe("Channel types", () => {
  it("only a channel that was made with a limit may refuse who waits", () => {
    expectTypeOf(Channel.rendezvous<number>()).toEqualTypeOf<Effect.Effect<Channel.Channel<number>>>()
    expectTypeOf(Channel.rendezvous<number>({ waiters: 1 })).toEqualTypeOf<
      Effect.Effect<Channel.Channel<number, TooMany>, ChannelError.InvalidCapacity>
    >()
    expectTypeOf(Channel.bounded<number>(1)).toEqualTypeOf<
      Effect.Effect<Channel.Channel<number>, ChannelError.InvalidCapacity>
    >()
    expectTypeOf(Channel.send(plain, 1)).toEqualTypeOf<Effect.Effect<void, Closed>>()
    expectTypeOf(Channel.receive(plain)).toEqualTypeOf<Effect.Effect<number, Closed>>()
    expectTypeOf(Channel.send(limited, 1)).toEqualTypeOf<Effect.Effect<void, Closed | TooMany>>()
    expectTypeOf(Channel.receive(limited)).toEqualTypeOf<Effect.Effect<number, Closed | TooMany>>()
  })

  it("what never waits is never refused", () => {
    expectTypeOf(Channel.trySend(limited, 1)).toEqualTypeOf<Effect.Effect<boolean, Closed>>()
    expectTypeOf(Channel.close(limited)).toEqualTypeOf<Effect.Effect<void, Closed>>()
    expectTypeOf(Channel.tryReceive(limited)).toExtend<Effect.Effect<unknown, Closed>>()
  })

  it("a select has the errors of its cases", () => {
    expectTypeOf(Select.any({ plain, sent: Select.send(plain, 1) })).toExtend<Effect.Effect<unknown, Closed>>()
    expectTypeOf(Select.any({ limited })).toExtend<Effect.Effect<unknown, Closed | TooMany>>()
    expectTypeOf(Select.any({ sent: Select.send(limited, 1) })).not.toExtend<Effect.Effect<unknown, Closed>>()
    expectTypeOf(Select.any({ limited })).not.toExtend<Effect.Effect<unknown, Closed>>()
  })

  it("a channel with a limit is not one without", () => {
    expectTypeOf(plain).toExtend<Channel.Channel<number, TooMany>>()
    expectTypeOf(limited).not.toExtend<Channel.Channel<number>>()
    // @ts-expect-error the limit would be out of sight
    const options: Channel.Options<number> = { waiters: 1 }
    expectTypeOf(options).toEqualTypeOf<Channel.Options<number>>()
  })
})
