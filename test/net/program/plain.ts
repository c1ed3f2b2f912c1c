/**
 * A program that is started by a process runtime and does not serve, but what its argument says. It needs nothing, so that it
 * is there at once.
 */
if (process.argv[2] === "exits") {
  process.stderr.write("first words\nlast words\n")
  process.exitCode = 3
} else {
  process.stderr.write("still thinking\n")
  setInterval(() => {}, 1000)
}
