import { addEqualityTesters } from "@effect/vitest"
import { keepCompiled } from "./compiled.ts"

addEqualityTesters()
keepCompiled()
