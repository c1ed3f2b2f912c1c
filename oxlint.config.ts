import { join } from "node:path"
import { defineConfig, type OxlintOverride } from "oxlint"

/** The folders of `src`, lowest first: a file imports from its own floor and from floors below it, never from above. */
export const floors = [
  "scheduler",
  "channel",
  "dispatch",
  "process",
  "server",
  "supervision",
  "command",
  "net",
  "worker",
  "cluster",
  "observer",
  "testing",
  "cli"
]

/** Files of `src` which need Node: all others load in browsers too. */
const nodeFiles: Array<string> = [
  "src/cli/**",
  "src/command/driver/**",
  "src/net/runtime/node/**",
  "src/net/transport/node/**"
]

const floorRule = (floor: string, index: number): OxlintOverride => {
  const above = ["index.ts", ...floors.slice(index + 1).map((name) => `${name}/`)]
  const regex = `^(\\.\\./)+(${above.join("|")})`
  const message = `The floor ${floor} lies below ${above.join(", ")} (see floors in oxlint.config.ts).`
  return {
    files: [`src/${floor}/**`],
    rules: { "no-restricted-imports": ["error", { patterns: [{ regex, message }] }] }
  }
}

export default defineConfig({
  plugins: ["eslint", "typescript", "unicorn", "oxc", "import", "promise"],
  jsPlugins: [join(import.meta.dirname, "oxlint.plugin.ts")],
  categories: { correctness: "error", suspicious: "error", perf: "error" },
  ignorePatterns: ["dist", ".doctest", ".generated", "docs/.vitepress/cache", "docs/.vitepress/dist"],
  rules: {
    "import/no-cycle": "error",
    "import/no-unassigned-import": ["error", { allow: ["**/*.css"] }],
    "no-shadow": "off", // functions are named after what they take: link, exit, monitor, as in effect itself
    "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrors: "all" }],
    "no-underscore-dangle": "off", // _tag
    "promise/valid-params": "off", // takes Effect.catch for Promise's
    "typescript/array-type": ["error", { default: "generic" }],
    "typescript/consistent-type-imports": ["error", { fixStyle: "separate-type-imports" }],
    "typescript/no-explicit-any": "error",
    "unicorn/consistent-function-scoping": "off",
    "unicorn/no-new-array": "off",
    "unicorn/prefer-add-event-listener": "off" // a MessagePort starts when onmessage is set
  },
  overrides: [
    {
      files: ["src/**"],
      rules: {
        "import/no-nodejs-modules": "error",
        "no-console": "error",
        "no-restricted-globals": ["error", "document", "window", "process", "Buffer", "localStorage", "sessionStorage"],
        "no-restricted-properties": [
          "error",
          { object: "Date", property: "now", message: "Use Effect's Clock." },
          { object: "Math", property: "random", message: "Use Effect's Random." }
        ],
        "oxc/no-async-await": "error",
        "promise/avoid-new": "error",
        "troupe/effect-alone": "error",
        "troupe/no-throw": "error",
        "troupe/no-try": "error"
      }
    },
    // The one module that needs a test runner; it is loaded by nobody but tests.
    { files: ["src/testing/vitest.ts"], rules: { "troupe/effect-alone": "off" } },
    // Drivers need the packages that they drive; each is an entry of its own.
    { files: nodeFiles, rules: { "troupe/effect-alone": "off" } },
    { files: ["test/**", "docs/**"], rules: { "no-await-in-loop": "off", "oxc/no-map-spread": "off" } },
    ...floors.map(floorRule),
    { files: nodeFiles, rules: { "import/no-nodejs-modules": "off" } }
  ]
})
