/**
 * What the first words of a statement tell.
 */

// Neither a comment nor what follows it can be read in two ways, so that no text takes long.
const blank = String.raw`(?:\s|;|--[^\n]*(?:\n|$)|/\*(?:[^*]|\*(?!/))*(?:\*/|$))*`
const nothing = new RegExp(`^${blank}$`)
const change = new RegExp(`^${blank}(?:insert|update|delete|replace|with)\\b`, "i")
const control = new RegExp(`^${blank}(?:begin|start|commit|end|rollback|abort|savepoint|release)\\b`, "i")

/** Whether there is nothing to execute, but for comments. */
export const isBlank = (sql: string): boolean => nothing.test(sql)

/** Whether it may change rows. */
export const changesRows = (sql: string): boolean => change.test(sql)

/** Whether it begins or ends a transaction, or a savepoint. */
export const controlsTransaction = (sql: string): boolean => control.test(sql)
