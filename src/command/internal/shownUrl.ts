import * as UrlParams from "effect/http/UrlParams"

/** A url without what may be secret: user, password, query and fragment; `?…` stands for a query. */
export const shownUrl = (url: string): string => {
  const plain = UrlParams.redactUrl(url, []).replace("REDACTED:REDACTED@", "")
  return plain.replace(/\?.*$/s, "?…").replace(/#.*$/s, "")
}
