import { defineConfig } from "vitepress"

const concepts = [
  { text: "Processes", link: "/concepts/processes" },
  { text: "Messages and inboxes", link: "/concepts/messages-and-inboxes" },
  { text: "Monitors and links", link: "/concepts/monitors-and-links" },
  { text: "Servers", link: "/concepts/servers" },
  { text: "State machines", link: "/concepts/state-machines" },
  { text: "Supervision", link: "/concepts/supervision" },
  { text: "Services and applications", link: "/concepts/services" },
  { text: "Looking into processes", link: "/concepts/looking-into-processes" },
  { text: "Channels", link: "/concepts/channels" },
  { text: "Select", link: "/concepts/select" },
  { text: "Timers", link: "/concepts/timers" },
  { text: "Registry and groups", link: "/concepts/registry-and-groups" },
  { text: "Hosts and the run queue", link: "/concepts/hosts-and-the-run-queue" },
  { text: "Terminal host", link: "/concepts/terminal-host" },
  { text: "Transports", link: "/concepts/transports" },
  { text: "Connections", link: "/concepts/connections" },
  { text: "Streams", link: "/concepts/streams" },
  { text: "Contracts", link: "/concepts/contracts" },
  { text: "Discovery", link: "/concepts/discovery" },
  { text: "Runtimes", link: "/concepts/runtimes" },
  { text: "Invocations", link: "/concepts/invocation" },
  { text: "Nodes", link: "/concepts/nodes" },
  { text: "Command line", link: "/concepts/cli" },
  { text: "Security", link: "/concepts/security" },
  { text: "Operations", link: "/concepts/operations" },
  { text: "Exploration", link: "/concepts/exploration" }
]

const commands = [
  { text: "Commands and dispatch", link: "/concepts/dispatch" },
  { text: "Built-in commands", link: "/concepts/built-in-commands" },
  { text: "Writing a module", link: "/concepts/writing-a-module" },
  { text: "Record and replay", link: "/concepts/record-and-replay" }
]

const examples = [
  { text: "Echo service", link: "/examples/echo-service" },
  { text: "Agent", link: "/examples/agent" },
  { text: "IPC chat", link: "/examples/ipc-chat" },
  { text: "Function runner", link: "/examples/function-runner" },
  { text: "Stream echo", link: "/examples/stream-echo" }
]

const comingFrom = [
  { text: "Coming from Erlang", link: "/coming-from-erlang" },
  { text: "Coming from Akka", link: "/coming-from-akka" }
]

const inside = [
  { text: "Architecture", link: "/architecture" },
  { text: "Benchmarks", link: "/benchmarks" }
]

export default defineConfig({
  title: "Troupe",
  description: "Erlang's processes for Effect: typed messages, monitors, links, hosts and a registry",
  lang: "en",
  cleanUrls: true,
  ignoreDeadLinks: false,
  head: [["link", { rel: "icon", type: "image/svg+xml", href: "/logo.svg" }]],
  markdown: { theme: { light: "github-light", dark: "github-dark" } },
  themeConfig: {
    logo: "/logo.svg",
    nav: [
      { text: "Getting started", link: "/getting-started" },
      { text: "Concepts", items: concepts },
      { text: "Commands", items: commands },
      { text: "Examples", items: examples },
      { text: "Coming from", items: comingFrom },
      { text: "Inside", items: inside }
    ],
    sidebar: [
      { text: "Home", link: "/" },
      { text: "Getting started", link: "/getting-started" },
      { text: "Concepts", items: concepts },
      { text: "Commands", items: commands },
      { text: "Examples", items: examples },
      { text: "Coming from", items: comingFrom },
      { text: "Inside", items: inside }
    ],
    outline: { level: [2, 3] },
    search: { provider: "local" },
    footer: { message: "Released under the MIT License.", copyright: "© 2026 Troupe contributors" }
  }
})
