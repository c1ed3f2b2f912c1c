/**
 * Topics and their patterns: words with dots between them.
 */

/** The words of a topic; none where it is no topic. */
export const topicWords = (topic: string): ReadonlyArray<string> | undefined => {
  const words = topic.split(".")
  return words.every((word) => /^[^\s*#]+$/.test(word)) ? words : undefined
}

/** The words of a pattern; none where it is no pattern. */
export const patternWords = (pattern: string): ReadonlyArray<string> | undefined => {
  const words = pattern.split(".")
  return words.every((word) => /^([^\s*#]+|[*#])$/.test(word)) ? words : undefined
}

/** Whether a topic is one of a pattern: `*` is any one word, and `#` any words, also none. */
export const matches = (pattern: ReadonlyArray<string>, topic: ReadonlyArray<string>): boolean => {
  let [inPattern, inTopic] = [0, 0]
  // Where the last `#` is, and where in the topic what comes behind it was last tried: each try gives it one word more.
  // Giving words to an earlier `#` could not help, since the last one can take them too.
  let [last, tried] = [-1, 0]
  while (inTopic < topic.length) {
    const word = pattern[inPattern]
    if (word === "#") {
      last = inPattern++
      tried = inTopic
    } else if (word !== undefined && (word === "*" || word === topic[inTopic])) {
      inPattern++
      inTopic++
    } else if (last >= 0) {
      inPattern = last + 1
      inTopic = ++tried
    } else return false
  }
  while (pattern[inPattern] === "#") inPattern++
  return inPattern === pattern.length
}
