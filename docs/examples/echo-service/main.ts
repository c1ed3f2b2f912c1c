import { Application, TerminalHost } from "troupe"
import EchoApp from "./app.ts"
import { Cli } from "./cli.ts"

// #region main
Application.runMain(EchoApp, { main: TerminalHost.main(Cli) })
// #endregion main
