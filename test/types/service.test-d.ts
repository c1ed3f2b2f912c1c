import { describe, expectTypeOf, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import type { ApplicationError, ProcessError, ServiceError } from "troupe"
import { Application, ChildSpec, Process, ProcessHost, Service, Supervisor } from "troupe"

const Web = Process.make("app:web")
const Mail = Process.make("app:mail", { args: Schema.String })
const WebLive = Web.toLayer(() => Effect.never)
const MailLive = Mail.toLayer(() => Effect.never)
const host = ProcessHost.layer("app:processes")

type NeedsWeb = Process.Implementation<"app:web">
type NeedsMail = Process.Implementation<"app:mail">

describe("Service types", () => {
  it("an application needs the implementations of its services", () => {
    const App = Application.layer([Service.make("web", Web), Service.make("mail", Mail, "smtp://localhost")])
    expectTypeOf(App).toEqualTypeOf<
      Layer.Layer<never, Service.LayerError, NeedsWeb | NeedsMail | ProcessHost.ProcessHost>
    >()
    Application.runMain(App.pipe(Layer.provide([WebLive, MailLive]), Layer.provide(host)))
    // @ts-expect-error the implementation of mail was forgotten
    Application.runMain(App.pipe(Layer.provide(WebLive), Layer.provide(host)))
    // @ts-expect-error the host was forgotten
    Application.runMain(App.pipe(Layer.provide([WebLive, MailLive])))
  })

  it("so does the layer of one", () => {
    expectTypeOf(Service.layer(Web, { autoStart: true })).toEqualTypeOf<
      Layer.Layer<never, Service.LayerError, NeedsWeb | ProcessHost.ProcessHost>
    >()
    expectTypeOf(Service.layer(Service.make("mail", Mail, "smtp://localhost"))).toEqualTypeOf<
      Layer.Layer<never, Service.LayerError, NeedsMail | ProcessHost.ProcessHost>
    >()
    expectTypeOf(Service.layer(Mail, { args: "smtp://localhost" })).toEqualTypeOf<
      Layer.Layer<never, Service.LayerError, NeedsMail | ProcessHost.ProcessHost>
    >()
  })

  it("a supervisor is a service that needs what its children need", () => {
    const Tree = Supervisor.make("app:tree", { children: [ChildSpec.make(Web)] })
    expectTypeOf(Service.make("tree", Tree)).toEqualTypeOf<Service.Service<NeedsWeb>>()
    expectTypeOf(Service.layer(Tree)).toEqualTypeOf<
      Layer.Layer<never, Service.LayerError, NeedsWeb | ProcessHost.ProcessHost>
    >()
  })

  it("arguments are checked", () => {
    // @ts-expect-error arguments are missing
    Service.make("mail", Mail)
    // @ts-expect-error wrong arguments
    Service.make("mail", Mail, 25)
    // @ts-expect-error there are none
    Service.make("web", Web, "")
    // @ts-expect-error arguments are missing
    Service.layer(Mail, { autoStart: true })
    // @ts-expect-error no such option
    Service.layer(Web, { autostart: true })
  })

  it("the errors of a run are those of its parts", () => {
    const App = Service.layer(Web).pipe(Layer.provide(WebLive), Layer.provideMerge(host))
    const main = Effect.fail("closed" as const)
    expectTypeOf(Application.run(App, { main })).toEqualTypeOf<
      Effect.Effect<
        number,
        | "closed"
        | Service.LayerError
        | ServiceError.ServiceFailed
        | ApplicationError.ApplicationStopTimeout
        | ProcessError.HostAlreadyExists
        | ProcessError.InvalidOption
      >
    >()
    // @ts-expect-error the application has no such thing to give to its main program
    Application.run(App, { main: Effect.as(Process.spawn(Mail, ""), 0) })
    Application.run(App, { main: Effect.map(ProcessHost.names, (names) => names.length) })
  })
})
