/**
 * What the two sides say to each other beside frames: lengths that no frame has.
 *
 * Who connects says hello: others only look whether somebody listens. A listener greets whom it serves, and tells those whom
 * it does not why: the system lets connect to a listener that will refuse, and TLS 1.3 has a client believe that it was
 * accepted before the listener has seen its certificate. And each side says goodbye: a socket ends in the same way when its
 * program was killed.
 */
import { mark, MaxFrame } from "../../../internal/frames.ts"

export const Welcome = MaxFrame + 1
export const TooManyConnections = MaxFrame + 2
export const Untrusted = MaxFrame + 3
export const Goodbye = MaxFrame + 4
export const Hello = MaxFrame + 5

export const hello: Uint8Array = mark(Hello)
export const welcome: Uint8Array = mark(Welcome)
export const tooManyConnections: Uint8Array = mark(TooManyConnections)
export const untrusted: Uint8Array = mark(Untrusted)
export const goodbye: Uint8Array = mark(Goodbye)
