// #region arguments
export const usage = `Usage: main.ts <stream_id> <message_count> [file]

  stream_id      what the stream is called
  message_count  how many messages it has, from 1 to 4294967295
  file           keeps the messages, a line each; those that it has are not asked for again
`

export const parse = ([stream_id = "", count = "", file, ...more]: ReadonlyArray<string>) => {
  const message_count = /^\d+$/.test(count) ? Number(count) : 0
  const isStream = /^\P{Cc}+$/u.test(stream_id) && message_count >= 1 && message_count <= 0xffffffff
  const isGood = isStream && file !== "" && more.length === 0
  return isGood ? { file, wanted: { stream_id, message_count } } : undefined
}
// #endregion arguments
