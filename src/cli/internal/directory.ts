/**
 * The directory that commands ask: the one that is named, with the credentials that the environment has.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Address from "../../net/Address.ts"
import type { NotDialable } from "../../net/AddressError.ts"
import * as Authentication from "../../net/Authentication.ts"
import * as Directory from "../../net/Directory.ts"
import * as Grpc from "../../net/transport/node/Grpc.ts"
import * as Tcp from "../../net/transport/node/Tcp.ts"
import * as Tls from "../../net/transport/node/Tls.ts"
import * as Unix from "../../net/transport/node/Unix.ts"
import * as WebSocket from "../../net/transport/node/WebSocket.ts"
import { parseAddress } from "./address.ts"
import { InvalidCredentials, type InvalidDirectory, NoDirectory } from "./errors.ts"
import * as Settings from "./settings.ts"

const dialers = [Unix.dialer(), Tcp.dialer(), Tls.dialer(), Grpc.dialer(), WebSocket.dialer()]

/** Paths are those beside the file that names them, or of the folder in which the command was started. */
const resolved = Effect.fnUntraced(function* (address: Address.Address, folder: string) {
  if (address.transport !== "unix") return address
  const paths = yield* Path.Path
  return new Address.Address({ ...address, address: paths.resolve(folder, address.address) })
})

/** Where the directory of a project is: as `--directory` says, or else as its settings say. */
const addressOf = Effect.fnUntraced(function* (
  project: Settings.Project,
  flag: Option.Option<string>
): Effect.fn.Return<Address.Address, InvalidDirectory | NoDirectory, Path.Path> {
  if (Option.isSome(flag)) return yield* resolved(yield* parseAddress(flag.value), ".")
  const { directory } = project.settings
  if (directory !== undefined) return yield* resolved(directory, project.folder)
  return yield* new NoDirectory({ path: Settings.fileName })
})

const variable = (name: string) => Config.option(Config.Redacted(name))

const environment = Config.all({
  account: Config.option(Config.String("TROUPE_DIRECTORY_ACCOUNT")),
  secret: variable("TROUPE_DIRECTORY_SECRET"),
  token: variable("TROUPE_DIRECTORY_TOKEN")
})

/** What the environment has to show; nothing where it has nothing. */
export const credentials: Effect.Effect<Authentication.Credentials | undefined, InvalidCredentials> = Effect.gen(
  function* () {
    const { account, secret, token } = yield* Effect.mapError(
      environment,
      ({ message }) => new InvalidCredentials({ detail: message })
    )
    if (Option.isSome(secret) && Option.isSome(token)) {
      return yield* new InvalidCredentials({
        detail: "there is a TROUPE_DIRECTORY_SECRET and a TROUPE_DIRECTORY_TOKEN: set one of them"
      })
    }
    if (Option.isSome(token)) {
      return Authentication.token({ account: Option.getOrUndefined(account), token: token.value })
    }
    if (Option.isNone(secret)) return undefined
    if (Option.isSome(account)) return Authentication.secret({ account: account.value, secret: secret.value })
    return yield* new InvalidCredentials({
      detail: "there is a TROUPE_DIRECTORY_SECRET without a TROUPE_DIRECTORY_ACCOUNT: set both"
    })
  }
)

/** The directory of a project. */
export const layer = (
  project: Settings.Project,
  flag: Option.Option<string>
): Layer.Layer<Directory.Directory, InvalidDirectory | NoDirectory | InvalidCredentials | NotDialable, Path.Path> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const address = yield* addressOf(project, flag)
      const strategy = yield* Address.strategy([address], dialers)
      return Directory.layer(strategy, { credentials: yield* credentials })
    })
  )
