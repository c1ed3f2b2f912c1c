import type { Theme } from "vitepress"
import DefaultTheme from "vitepress/theme"
import BenchmarkMachines from "./BenchmarkMachines.vue"
import BenchmarkTable from "./BenchmarkTable.vue"
import "./style.css"

const theme: Theme = {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component("BenchmarkMachines", BenchmarkMachines)
    app.component("BenchmarkTable", BenchmarkTable)
  }
}

export default theme
