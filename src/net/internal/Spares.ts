/**
 * Memory that is used again: what is allocated for each frame anew costs more than what is copied into it. It belongs to all
 * that send, since most of them have nothing to send at most times.
 */
export class Spares {
  /** How many bytes each piece has. */
  readonly size: number
  private readonly most: number
  private readonly pieces: Array<Uint8Array> = []

  /** `most`: how many are kept that nobody uses. */
  constructor(size: number, most: number) {
    this.size = size
    this.most = most
  }

  /** A piece, whatever it has held before. */
  take(): Uint8Array {
    return this.pieces.pop() ?? new Uint8Array(this.size)
  }

  /** Whoever took it does not look at it any more. */
  give(piece: Uint8Array): void {
    if (this.pieces.length < this.most) this.pieces.push(piece)
  }
}
