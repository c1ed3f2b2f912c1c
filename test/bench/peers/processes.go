// The benchmarks of processes in Go: processes <bench> <number …>; prints what it measured, and the work that it did.
package main

import (
	"encoding/json"
	"os"
	"strconv"
	"time"
)

type figures = map[string]float64
type counts = map[string]int

type run struct {
	Measured figures `json:"measured"`
	Proof    counts  `json:"proof"`
}

// How many seconds the work takes. The first time, which grows heap and stacks, does not count.
func seconds(work func()) float64 {
	work()
	start := time.Now()
	work()
	return time.Since(start).Seconds()
}

// Two goroutines, and a message that goes back and forth.
func pingPong(args []int) run {
	count, returned := args[0], 0
	took := seconds(func() {
		returned = 0
		pings, pongs := make(chan int), make(chan int)
		go func() {
			for value := range pings {
				pongs <- value
			}
		}()
		for i := 0; i < count; i++ {
			pings <- i
			if <-pongs == i {
				returned++
			}
		}
		close(pings)
	})
	return run{figures{"round trips": float64(count) / took}, counts{"returned": returned}}
}

func main() {
	benches := map[string]func([]int) run{"ping-pong": pingPong}
	var args []int
	for _, text := range os.Args[2:] {
		arg, err := strconv.Atoi(text)
		if err != nil {
			panic(err)
		}
		args = append(args, arg)
	}
	if err := json.NewEncoder(os.Stdout).Encode(benches[os.Args[1]](args)); err != nil {
		panic(err)
	}
}
