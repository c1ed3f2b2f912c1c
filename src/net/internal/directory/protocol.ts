/**
 * What a server of a directory is asked.
 */
import { Rpc } from "effect/rpc"
import * as Schema from "effect/Schema"
import { ActorType } from "../../ActorType.ts"
import { Announcement, Health, Load } from "../../Announcement.ts"
import { AnnouncementRefused, ContractRefused, InvalidLease, LeaseLost } from "../../DirectoryError.ts"
import { InstanceId } from "../../InstanceId.ts"
import * as Protocol from "../../Protocol.ts"
import { Batch } from "./batches.ts"

const Held = { type: ActorType, instanceId: InstanceId, holder: Schema.String.check(Schema.isMaxLength(64)) }

const Names = Schema.Struct({ manufacturer: Schema.String, name: Schema.String })

export const DirectoryProtocol = Protocol.make("troupe:directory", {
  server: [
    Rpc.make("announce", {
      payload: {
        announcement: Announcement,
        holder: Held.holder,
        milliseconds: Schema.Number,
        document: Schema.optional(Schema.String)
      },
      error: Schema.Union([AnnouncementRefused, ContractRefused, InvalidLease])
    }),
    Rpc.make("renew", { payload: { ...Held, health: Health, load: Load }, error: LeaseLost }),
    Rpc.make("withdraw", { payload: Held }),
    Rpc.make("list", { payload: Names, success: Schema.Array(Announcement) }),
    Rpc.make("contract", {
      payload: { type: ActorType, instanceId: InstanceId, fingerprint: Schema.String },
      success: Schema.UndefinedOr(Schema.String)
    }),
    Rpc.make("watch", { payload: Names, success: Batch, stream: true })
  ]
})

export type DirectoryRoutes = (typeof DirectoryProtocol)["server"][number]
