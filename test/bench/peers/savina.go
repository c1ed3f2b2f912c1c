// Benchmarks of the Savina suite in Go: savina <bench> <number> …; prints what it measured, and the work that it did.
package main

import (
	"encoding/json"
	"os"
	"strconv"
	"time"
)

type run struct {
	Measured map[string]float64 `json:"measured"`
	Proof    map[string]int64   `json:"proof"`
}

func timed(metric string, count int64, work func() map[string]int64) run {
	start := time.Now()
	proof := work()
	return run{map[string]float64{metric: float64(count) / time.Since(start).Seconds()}, proof}
}

// The random numbers that all languages have: the one after this one.
func next(number int64) int64 { return (number*1309 + 13849) & 65535 }

// ---- big: many goroutines that ping others at random, and answer their pings

type bigMessage struct {
	isPing bool
	from   int64
}

type returned struct{ count, sum int64 }

func member(number, members, each int64, inboxes []chan bigMessage, sink chan<- returned) {
	random := number
	var got returned
	ping := func() {
		random = next(random)
		inboxes[(number+1+random%(members-1))%members] <- bigMessage{true, number}
	}
	ping()
	for message := range inboxes[number] {
		if message.isPing {
			inboxes[message.from] <- bigMessage{false, number}
			continue
		}
		got.count++
		got.sum += message.from
		if got.count == each {
			sink <- got
		} else {
			ping()
		}
	}
}

func big(args []int64) run {
	members, each := args[0], args[1]
	inboxes := make([]chan bigMessage, members)
	// Each has one ping or pong underway, so that no inbox is ever full.
	for i := range inboxes {
		inboxes[i] = make(chan bigMessage, members)
	}
	sink := make(chan returned, members)
	return timed("pings", members*each, func() map[string]int64 {
		for number := int64(0); number < members; number++ {
			go member(number, members, each, inboxes, sink)
		}
		var count, sum int64
		for i := int64(0); i < members; i++ {
			got := <-sink
			count += got.count
			sum += got.sum
		}
		return map[string]int64{"returned": count, "sum": sum}
	})
}

func main() {
	benches := map[string]func([]int64) run{"big": big}
	var args []int64
	for _, text := range os.Args[2:] {
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			panic(err)
		}
		args = append(args, number)
	}
	if err := json.NewEncoder(os.Stdout).Encode(benches[os.Args[1]](args)); err != nil {
		panic(err)
	}
}
