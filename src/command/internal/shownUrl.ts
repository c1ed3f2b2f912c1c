/**
 * Urls as errors show them.
 */
import * as UrlParams from "effect/http/UrlParams"

/**
 * A url without what may be secret: user, password, query and fragment; `?…` stands for a query. What has an `@` and no
 * host that effect finds is taken for one all the same: whoever forgot the `//` has written a password, too.
 */
export const shownUrl = (url: string): string => {
  const plain = UrlParams.redactUrl(url, []).replace("REDACTED:REDACTED@", "")
  const [path = ""] = plain.split(/[?#]/, 1)
  return `${withoutUser(path)}${plain.slice(path.length).startsWith("?") ? "?…" : ""}`
}

const withoutUser = (path: string): string => path.replace(/^([a-z][a-z\d+.-]*:\/*)?[^/\\]*@/i, "$1")

const url = /\b[a-z][a-z\d+.-]*:[/\\]+[^\s"'<>]*/gi

/** A text in which each url is shown as {@link shownUrl} does: clients put into their messages what they were given. */
export const withShownUrls = (text: string): string => text.replace(url, shownUrl)
